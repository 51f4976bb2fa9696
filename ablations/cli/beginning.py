"""Commands for the first minutes: list, settings, init."""

import shlex
from pathlib import Path
from typing import Any

from ablations.cli.options.arguments import ROOT, Json, Root
from ablations.errors import SettingError, StudyError
from plain_files.study_folders import studies_in

DRAFT = """\
# A search space: what may vary, around a baseline that every comparison is made against.
#   ablate show {name}                 its arms, their cost, and what cannot be built
#   ablate run {name} --study first    train them
#   ablate report first{room}    read the answer
# `ablate settings` lists what can be set; docs/spaces.md says what each key does.

question: Does the gate matter, and does it depend on the reduction ratio?

# What every arm has that its factors do not change. What is not named keeps its default.
baseline:
  attention: {{reduction: 8, gate: sigmoid}}
  backbone: {{name: cifar_resnet8}}
  data: {{name: digits}}
  training: {{epochs: 10}}

# What varies. The baseline's value is one of the levels.
factors:
  - {{name: attention.gate, levels: [sigmoid, one_plus_tanh]}}
  - {{name: attention.reduction, levels: [4, 8, 16]}}
  # For a search, a range: {{name: training.learning_rate, low: 0.01, high: 0.3, log: true}}

# Arms of every design beside those, each with what it changes of the baseline.
controls:
  no attention: {{attention.placement: none}}

# Seeds, each a block of all arms: comparisons are made within a seed. Below 3 there is no interval for r*.
seeds: 5
"""


def list_(*, root: Root = ROOT, json: Json = False) -> None:
    """The studies here, one line each: state, runs, what it asks."""
    from ablations.cli.words.list_text import print_studies
    from ablations.engine.records.folder import StudyFolder
    from ablations.engine.standing.status import StudyStatus, status

    if root.exists() and not root.is_dir():
        raise SettingError(
            f"`--root` is the folder where studies lie, but {str(root)!r} is a file."
        )
    found: list[tuple[str, StudyStatus | None, dict[str, Any]]] = []
    for folder in studies_in(root):
        try:
            study = StudyFolder.open(folder)
            found.append((folder.name, status(study), study.study()))
        except (StudyError, OSError):  # one that is damaged hides no other
            found.append((folder.name, None, {}))
    if json:
        import json as json_format

        print(json_format.dumps([now.to_json() for _, now, _ in found if now], indent=2))
        return
    print_studies(found, root=root)


def settings(name: str | None = None, /, *, space: str | None = None) -> None:
    """Every setting: what it means, its default, what it may be.

    Args:
        name: One setting, its last word, or the beginning of several names, such as training.
        space: A space whose subject's settings are listed; channel attention's without it.
    """
    from ablations.cli.words.settings_text import print_settings
    from ablations.designs.spaces import load_space
    from ablations.errors import one_of

    about = load_space(space or "reduction").about
    chosen = {
        known: setting
        for known, setting in about.settings.items()
        if name is None or known.startswith(name) or known.rpartition(".")[2] == name
    }  # fmt: skip
    if not chosen:
        raise SettingError(one_of("setting", str(name), list(about.settings)))
    print_settings(chosen)


def init(path: Path = Path("my_space.yaml"), /) -> None:
    """Write a commented space file to start from.

    Args:
        path: Where; a file that is there is left as it is.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise SettingError(f"a space file ends with .yaml, but got {str(path)!r}.")
    if not path.parent.is_dir():
        raise SettingError(
            f"there is no folder {str(path.parent)!r} to write {path.name!r} into; make it, or name another place."
        )
    name = shlex.quote(str(path))
    room = " " * (len(f"run {name} --study first") - len("report first"))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(DRAFT.format(name=name, room=room))
    except FileExistsError:
        raise SettingError(
            f"{path} is there already; give another name, as `ablate init other.yaml`."
        ) from None
    print(f"{path}: a space of 2 factors. Look at it with: ablate show {name}")
