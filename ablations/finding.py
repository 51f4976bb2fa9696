"""What a function gives back that computes whether a claim is true (`docs/claims.md`)."""

import math
from dataclasses import dataclass

from ablations.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was computed, and whether that agrees with a claim; numpy's and torch's values are taken as Python's.

    Raises:
        SettingError: If `agrees` is no truth value, `computed` is empty, or `number` is not finite.
    """

    agrees: bool
    computed: str
    """In one sentence without a full stop, with the numbers."""
    only_where: str = ""
    """Where a claim that agrees is true, if that is not everywhere: it is then loose."""
    number: float | None = None
    """The number that the sentence turns on, where there is one."""

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        for name in ("agrees", "number"):
            value = getattr(self, name)
            if hasattr(value, "item"):
                object.__setattr__(self, name, value.item())
        if not isinstance(self.agrees, bool):
            raise SettingError(f"`agrees` must be True or False, but got {self.agrees!r}.")
        if not (isinstance(self.computed, str) and self.computed.strip()):
            raise SettingError(f"`computed` must say what was found, but got {self.computed!r}.")
        if self.number is not None and not math.isfinite(self.number):
            raise SettingError(f"`number` must be finite, but got {self.number!r}.")
