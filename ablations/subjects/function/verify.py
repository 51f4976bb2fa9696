"""Verified arms of a function: which of its settings the baseline's call reads. What it does with them, nobody sees.

An arm that changes only what the baseline's call never reads is the baseline once more, if the call came to its end:
nothing else can tell the two apart.
"""

import math
from collections.abc import Mapping

from ablations.errors import SettingError
from ablations.subjects.function.trial import Trial, tried
from ablations.subjects.intervention import Intervention
from ablations.subjects.program import Program
from ablations.subjects.subject import Values

SECONDS = 10.0
"""After so many the baseline's call is ended."""
UNSEEN = (
    "What the function does with what it reads, and whether two arms are one in other ways, is not known before the "
    "runs."
)


def verify(name: str, program: Program, arms: Mapping[str, Values]) -> tuple[Intervention, ...]:
    """What each arm changes of the first, the baseline, and the problem of each that cannot differ from it.

    The baseline is called once, for one epoch where it tells of epochs.

    Args:
        name: Import path of the function.
        program: What the space says of it.
        arms: Label -> arm.

    Raises:
        SettingError: If what the baseline measures is not what the space says.
    """
    base = next(iter(arms.values()))
    trial = tried(name, program, base, limit=SECONDS, records=1)
    if trial.refused is not None:
        raise SettingError(f"the baseline cannot be trained: {trial.refused}")
    changes = {label: _changed(arm, base) for label, arm in arms.items()}
    read = frozenset(base) if trial.read is None else trial.read
    # A setting that another arm changes together with one that is read may be read there.
    alone = set(base) - {x for names in changes.values() if read & set(names) for x in names}
    rows = []
    for number, (label, changed) in enumerate(changes.items()):
        idle = bool(changed) and not read & set(changed)
        names = ", ".join(f"`{one}`" for one in changed)
        problem, warning = None, None
        if number == 0:
            warning = f"{_seen(trial, base)} {UNSEEN}"
        elif idle and trial.seconds is not None:
            said = f"{label!r} changes nothing: the baseline's call never reads {names}"
            problem = f"{said}." if alone & set(changed) else None
            warning = None if problem else f"{said}, so its runs are the baseline's once more."
        elif idle and trial.epochs:
            warning = f"{label!r} changes {names}, which the call had not read{_until(trial)}."
        rows.append(_row(label, changed, problem=problem, warning=warning))
    return tuple(rows)


def _seen(trial: Trial, base: Values) -> str:
    if trial.read is None:
        return (
            "Which settings are read is not known: the config is an object of a class of its own."
        )
    unread = sorted(set(base) - trial.read)
    named = ", ".join(f"`{one}`" for one in unread)
    said = f"all but {named}" if unread and trial.read else f"{'no' if unread else 'every'} setting"
    if trial.failed is not None:
        return f"The baseline's call read {said}, and then fails here: {trial.failed}."
    if trial.seconds is not None:
        return f"One call of the baseline, to its end ({trial.seconds:.2g} s), reads {said}."
    return f"One call of the baseline, which was ended{_until(trial)}, reads {said} until then."


def _until(trial: Trial) -> str:
    if trial.failed is not None:
        return " when it failed"
    return " after its first epoch" if trial.epochs else f" after {SECONDS:.0f} s"


def _changed(arm: Values, base: Values) -> tuple[str, ...]:
    return tuple(sorted(name for name in arm if arm[name] != base.get(name)))


def _row(
    label: str, changed: tuple[str, ...], *, problem: str | None, warning: str | None
) -> Intervention:
    return Intervention(
        label=label,
        changed=changed,
        added=(),
        removed=(),
        reshaped=(),
        params=0,
        params_change=0,
        output_change=math.nan,
        problem=problem,
        warnings=(warning,) if warning else (),
    )
