"""The command that tells what holds of a program before anything is studied with it."""

import json as json_format
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ablations.cli.options.arguments import Json, Set, assignments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ablations.studies.check import Held
    from ablations.subjects.program import Program
    from ablations.subjects.subject import Subject

MARKS = {True: "holds", False: "FAILS", None: ""}


def check(
    subject: str,
    /,
    *,
    data: str | None = None,
    metric: str = "val_loss",
    set_: Set = (),
    device: str = "cpu",
    json: Json = False,
) -> None:
    """Try a program out: what is paired, repeats, resumes to the last bit, and what a run takes.

    Args:
        subject: A space that names the program, or the program itself, package.module:name.
        data: Of a program itself: its LightningDataModule, package.module:name.
        metric: Of a program itself: the number that decides.
        device: cpu, cuda:0, ...
    """
    from ablations.studies.check import check as checks

    about, baseline, is_alone = _program(
        subject, data=data, metric=metric, values=assignments(set_)
    )
    found = []
    told = checks(about, baseline, device=device)
    for one in _with_metric_hint(told) if is_alone else told:
        found.append(one)
        if not json:
            print(f"{one.name:<8} {MARKS[one.holds]:<6} {one.said}", flush=True)
    if json:
        print(json_format.dumps([asdict(one) for one in found], indent=1))
    if any(one.holds is False for one in found):
        raise SystemExit(1)


def _with_metric_hint(found: "Iterator[Held]") -> "Iterator[Held]":
    """What was found; where the metric is not among what the program measures, how to say which one it is."""
    from ablations.errors import NotMeasured

    try:
        yield from found
    except NotMeasured as error:
        raise NotMeasured(f"{error} Of a program itself say `--metric NAME`.") from None


def _program(
    name: str, *, data: str | None, metric: str, values: dict[str, Any]
) -> "tuple[Subject, dict[str, Any], bool]":
    """The subject, its baseline, and whether it is a program that stands alone and no space's."""
    from ablations.designs.space import Space
    from ablations.designs.spaces import load_space
    from ablations.errors import SettingError
    from ablations.import_path import is_import_path, load
    from ablations.subjects.find import bundled, find_subject
    from ablations.subjects.subject import Subject
    from ablations.subjects.values import plain

    stands_alone = name in bundled() or is_import_path(name)
    found = load(name) if is_import_path(name) else None
    if not stands_alone or isinstance(found, Space):
        if data is not None:
            raise SettingError(
                f"`--data` is of a program that stands alone, but the space {name!r} names its own: leave it out."
            )
        space = load_space(name, values)
        return space.about, space.baseline, False
    program = None if found is None or isinstance(found, Subject) else _told(found, data, metric)
    said = {setting: [plain(value)] for setting, value in values.items()}
    about = find_subject(name, program=program, said=said)
    return about, about.baseline({}, about.typed(values)), True


def _told(found: Any, data: str | None, metric: str) -> "Program":
    """What a space would say of the program: the metric, the data, and how long a LightningModule trains."""
    from ablations.subjects.program import MeasuredBy, Program

    bases = {kind.__name__ for kind in getattr(found, "__mro__", ())}
    trains = data is not None or "LightningModule" in bases
    return Program(
        data=data,
        metrics=(MeasuredBy(name=metric, direction="minimize"),),
        trainer={"max_epochs": 2} if trains else {},
    )
