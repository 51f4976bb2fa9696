"""A search space: a baseline, the factors that vary around it, and the control arms beside it."""

from typing import Any, Self

from pydantic import Field, model_validator

from ablations.errors import SettingError
from ablations.subjects.attention.settings import (
    Arm,
    check_choice,
    check_name,
    kinds_of,
    value_of,
    with_values,
)
from ablations.subjects.settings import Settings


class Factor(Settings):
    """One design decision that varies.

    Either `levels`, or a range `low` to `high` for an adaptive search. Numeric levels are an ordered
    scale: Optuna's samplers are told so.
    """

    name: str
    """A dotted setting, for example `attention.reduction`."""
    levels: tuple[bool | int | float | str, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False
    off: bool | int | float | str | None = None
    """The level that means "without this component", for the design `one-in`."""

    @model_validator(mode="after")
    def _levels_or_range(self) -> Self:
        check_name(self.name)
        if bool(self.levels) == (self.low is not None and self.high is not None):
            raise ValueError(f"factor `{self.name}` must have either `levels` or `low` and `high`.")
        if self.low is not None and self.high is not None:
            self._check_range(self.low, self.high)
        if len(set(self.levels)) != len(self.levels):
            raise ValueError(f"factor `{self.name}` must name each level once: {self.levels}.")
        return self

    def _check_range(self, low: float, high: float) -> None:
        name = f"factor `{self.name}`"
        kinds = kinds_of(self.name)
        if not kinds & {int, float} or str in kinds or bool in kinds:
            raise ValueError(
                f"{name} is no number, so it has `levels` and no range, but got {low:g} to {high:g}."
            )
        if not low < high:
            raise ValueError(f"{name} must have `low < high`, but got {low:g} and {high:g}.")
        if self.log and low <= 0:
            raise ValueError(f"{name} is logarithmic, so `low > 0` must hold, but got {low:g}.")

    @property
    def ordered(self) -> bool:
        """Whether the levels are numbers and so lie on a scale."""
        return all(isinstance(x, int | float) and not isinstance(x, bool) for x in self.levels)


class Space(Settings):
    """Which settings a study may visit, and what every comparison is made against."""

    name: str
    question: str = ""
    """What a study of this space answers, in one sentence."""
    baseline: Arm = Arm()
    factors: tuple[Factor, ...] = Field(min_length=1)
    controls: dict[str, dict[str, Any]] = {}
    """Arms that every design includes besides the factors' own: label -> changes to the baseline."""
    seeds: int = Field(default=5, ge=1)
    """Seeds, each a block of all arms. Below 3 no interval can be given."""
    skip_illegal: bool = False
    """Leave illegal combinations out instead of refusing to run."""

    def block(self, seeds: int | None = None) -> list[int]:
        """The seeds of a study: so many from 0, the space's own number by default.

        Raises:
            SettingError: If there is none.
        """
        count = self.seeds if seeds is None else seeds
        if count < 1:
            raise SettingError(f"`seeds >= 1` must hold, but got {count}.")
        return list(range(count))

    @model_validator(mode="after")
    def _is_legal(self) -> Self:
        names = [factor.name for factor in self.factors]
        if len(set(names)) != len(names):
            raise ValueError(f"each factor must be named once, but got {names}.")
        for factor in self.factors:
            for level in factor.levels:
                check_choice(factor.name, level)
            given = value_of(self.baseline, factor.name)
            if factor.levels and given not in factor.levels:
                raise ValueError(
                    f"the baseline's `{factor.name}` must be one of its levels {factor.levels}, "
                    f"but is {given!r}."
                )
        for label, changes in self.controls.items():
            try:
                with_values(self.baseline, changes)
            except SettingError as error:
                raise ValueError(f"control {label!r}: {error}") from None
        return self
