"""Verified arms of a user's program: does each change what it says, and something at all?

Each arm is built and trained for two steps on the user's own batches. Two arms are one if their tensors, what
they learn, their batches, what they log and every number after the steps are the same. What acts only later (a
schedule, `max_epochs`) is looked for in epochs of one step, and warned about.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ablations.errors import NonFinite, SettingError
from ablations.failures import words_of
from ablations.subjects.intervention import Intervention
from ablations.subjects.own_module.two_steps import Steps, few_steps
from ablations.subjects.program import Program
from ablations.subjects.started import shared
from ablations.subjects.subject import Values

MOST_EPOCHS = 20
"""Epochs of one step in which two arms that begin as one may show a difference."""


@dataclass(frozen=True, kw_only=True)
class _Arm:
    label: str
    arm: Values
    used: Values
    """Its settings without those that it does not use."""
    steps: Steps


def verify(
    name: str,
    program: Program,
    arms: Mapping[str, Values],
    *,
    canonical: Callable[[Values], Values],
    epochs: Callable[[Values], int],
) -> tuple[Intervention, ...]:
    """What each arm changes of the first, the baseline, with the problem of each that must not run.

    Args:
        name: Import path of the module.
        program: What the space says of it.
        arms: Label -> arm.
        canonical: An arm's settings without those that it does not use.
        epochs: How many an arm is planned to have.

    Raises:
        SettingError: If the baseline cannot be trained.
    """
    seen: list[_Arm] = []
    rows = []
    for label, arm in arms.items():
        try:
            steps = few_steps(name, program, arm)
        except Exception as error:  # the user's own code raises whatever it likes
            told = str(error) if isinstance(error, SettingError | NonFinite) else words_of(error)
            if not seen:
                told = told.rstrip(".")
                raise SettingError(f"the baseline cannot be trained: {told}.") from error
            rows.append(_failed(label, seen[0], canonical(arm), told, error))
            continue
        one = _Arm(label=label, arm=arm, used=canonical(arm), steps=steps)
        base = seen[0] if seen else one
        problem, warning = _twin(name, program, one, seen, epochs=epochs)
        rows.append(_row(one, base, problem=problem, warning=warning))
        seen.append(one)
    return _with_determinism(name, program, seen[0], rows)


def _twin(
    name: str, program: Program, one: _Arm, seen: Sequence[_Arm], *, epochs: Callable[[Values], int]
) -> tuple[str | None, str | None]:
    """Why an arm must not run, or what is to be known before: it begins as an earlier one does."""
    for number, other in enumerate(seen):
        if not one.steps.is_same(other.steps):
            continue
        changed = _changed(one.used, other.used)
        later = _later(name, program, one, other, epochs=max(epochs(one.arm), epochs(other.arm)))
        if later is not None:
            return (
                None,
                f"{one.label!r} begins as {other.label!r} does: {', '.join(changed)} {later}.",
            )
        if number == 0:
            return (
                f"{one.label!r} changes nothing: {', '.join(changed)} made no difference to "
                f"{other.label!r}, the baseline, in any number of two training steps, nor in "
                f"{_epochs(epochs(one.arm))} of one step.",
                None,
            )
        return f"{one.label!r} and {other.label!r} are one program.", None
    return None, None


def _later(name: str, program: Program, one: _Arm, other: _Arm, *, epochs: int) -> str | None:
    """How two arms that begin as one may differ in the end; None where nothing shows it."""
    changed = _changed(one.used, other.used)
    if all(setting.startswith("trainer.") for setting in changed):
        return "can act later than in two steps"
    count = min(epochs, MOST_EPOCHS)
    if count > 1:
        first, second = (
            few_steps(name, program, two.arm, epochs=count, steps=1) for two in (one, other)
        )
        if not first.is_same(second):
            return f"acts later than in two steps (seen in {count} epochs of one step)"
        if first.schedule != second.schedule:
            return "changes a schedule that acts later"
    if one.steps.schedule != other.steps.schedule:
        return "changes a schedule that acts later"
    return None


def _epochs(epochs: int) -> str:
    count = min(epochs, MOST_EPOCHS)
    return f"{count} epoch{'s' * (count != 1)}"


def _changed(ours: Values, theirs: Values) -> tuple[str, ...]:
    names = sorted(ours.keys() | theirs.keys())
    return tuple(name for name in names if ours.get(name) != theirs.get(name))


def _row(one: _Arm, base: _Arm, *, problem: str | None, warning: str | None) -> Intervention:
    ours, theirs = one.steps, base.steps
    both = ours.shapes.keys() & theirs.shapes.keys()
    larger = max(abs(ours.metric), abs(theirs.metric))
    return Intervention(
        label=one.label,
        changed=_changed(one.used, base.used),
        added=tuple(sorted(ours.modules - theirs.modules)),
        removed=tuple(sorted(theirs.modules - ours.modules)),
        reshaped=tuple(sorted(n for n in both if ours.shapes[n] != theirs.shapes[n])),
        params=ours.params,
        params_change=ours.params - theirs.params,
        output_change=abs(ours.metric - theirs.metric) / larger if larger else 0.0,
        problem=problem,
        warnings=tuple(
            filter(None, (warning, _idle(one, base), *ours.started.problems, *ours.started.limits))
        ),
        pairing="" if one is base else str(shared(theirs.started, ours.started)),
        unnamed=ours.started.unnamed,
    )


def _idle(one: _Arm, base: _Arm) -> str | None:
    """That an arm learns nothing; of the others nothing, where the baseline does not."""
    if one.steps.learns or (one is not base and not base.steps.learns):
        return None
    return (
        f"two training steps of {one.label!r} changed no parameter: `training_step` returns no loss, "
        "`configure_optimizers` no optimizer that has the parameters, or the learning rate begins at 0."
    )


def _failed(label: str, base: _Arm, used: Values, told: str, error: Exception) -> Intervention:
    """An arm that did not come through two steps; one that diverged may be what the study asks about."""
    said = f"{label!r} cannot be trained for two steps: {told.rstrip('.')}."
    diverged = isinstance(error, NonFinite)
    return Intervention(
        label=label,
        changed=_changed(used, base.used),
        added=(),
        removed=(),
        reshaped=(),
        params=0,
        params_change=0,
        output_change=math.nan,
        problem=None if diverged else said,
        warnings=(said,) if diverged else (),
    )


def _with_determinism(
    name: str, program: Program, base: _Arm, rows: list[Intervention]
) -> tuple[Intervention, ...]:
    """The rows; where the baseline trained again comes to something else, its row says so."""
    if few_steps(name, program, base.arm).is_same(base.steps):
        return tuple(rows)
    first = rows[0]
    said = (
        "two trainings of the baseline with one seed differ, so two arms that are one cannot be told: something "
        "draws from outside the shared random states, or computes in no fixed order."
    )
    return (replace(first, warnings=(*first.warnings, said)), *rows[1:])
