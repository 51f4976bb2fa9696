"""Taking outcomes back, so that the runs are trained again: the user's decision, never the engine's."""

from collections.abc import Sequence

from ablations.engine.records.folder import StudyFolder
from ablations.errors import SettingError, one_of
from ablations.plan import PlannedRun

FAILED = "failed"
"""Every run that failed."""


def take_back(
    folder: StudyFolder, plan: Sequence[PlannedRun], words: Sequence[str]
) -> list[PlannedRun]:
    """Take back the outcomes that the words name; what the attempts wrote stays (`StudyFolder.try_again`).

    Args:
        folder: The study, whose lock is held.
        plan: Its runs.
        words: Ids of runs that failed or whose outcome cannot be used, or their beginnings; `failed` for all that
            failed.

    Raises:
        SettingError: If a word names no such run.
    """
    if not words:
        return []
    found = folder.outcomes(planned.run for planned in plan)
    failed = {run for run, result in found.results.items() if result["state"] == "FAILED"}
    known = {planned.run: planned for planned in plan}
    chosen: dict[str, PlannedRun] = {}
    for word in words:
        if word == FAILED:
            chosen |= {run: known[run] for run in sorted(failed)}
            continue
        run = _named(word, known)
        if run not in failed and run not in found.damaged:
            state = found.results[run]["state"] if run in found.results else "not ended"
            raise SettingError(
                f"`retry` must name a run that failed, or whose result cannot be used, but {run} is {state}."
            )
        chosen[run] = known[run]
    for run in chosen:
        folder.try_again(run)
    return list(chosen.values())


def _named(word: str, known: dict[str, PlannedRun]) -> str:
    found = [run for run in known if run.startswith(word)] if word else []
    if len(found) != 1:
        raise SettingError(one_of("retry", word, [FAILED, *known]))
    return found[0]
