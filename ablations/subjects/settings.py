"""A group of settings: plain values with names. Constructing one is validating it.

All values are plain strings, integers, floats and booleans, so they survive JSON, YAML, W&B, Optuna and
checkpoints unchanged (enums do not load with `weights_only=True`).
"""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ablations.errors import SettingError, explain


class Settings(BaseModel):
    """A frozen group of settings; an unknown name or an illegal value raises `SettingError`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            kind = type(self)
            raise SettingError(explain(error, kind.names(), hints=hints_of(kind))) from None

    @classmethod
    def names(cls) -> Collection[str]:
        """What can be written in such a group."""
        return cls.model_fields


def hint(text: str) -> dict[str, Any]:
    """The way out of a bound, or the rule in words of a pattern, for the error's sentence."""
    return {"hint": text}


def hints_of(kind: type[Settings]) -> dict[str, str]:
    """The hint of each field that has one."""
    extras = {name: info.json_schema_extra for name, info in kind.model_fields.items()}
    return {name: str(x["hint"]) for name, x in extras.items() if isinstance(x, dict)}
