"""The command that looks at a study's test set, once."""

from ablations.cli.options.arguments import ROOT, Json, Root, find_study
from ablations.errors import StudyError


def look_at(study: str, /, *, root: Root = ROOT, json: Json = False) -> None:
    """What the test set says of the baseline and of what was concluded; looked at once, when the study has ended.

    The answer is kept in the study, with the time: asked again, it is the same. The report shows it from then on.

    Args:
        study: Name or folder of the study.
    """
    from ablations.cli.words.result_text import print_json, print_lines
    from ablations.engine.records.files import write_once
    from ablations.engine.records.folder import now
    from analysis import read_study
    from analysis.tested.answer import FILE, look, stored_answer
    from analysis.tested.words import sentences

    folder = find_study(root, study)
    found = stored_answer(folder)
    if found is None:
        fresh = look(read_study(folder), at=now())
        try:
            write_once(folder / FILE, fresh)
        except OSError as error:
            raise StudyError(
                f"the test set is looked at once, which {folder / FILE} must record, but it cannot be written: "
                f"{error.strerror}. Make the folder writable."
            ) from None
        found = stored_answer(folder) or fresh  # another one may have been first
    if json:
        print_json([(study, found)])
        return
    print_lines(sentences(found))
