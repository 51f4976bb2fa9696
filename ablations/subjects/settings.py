"""A group of settings: plain values with names. Constructing one is validating it.

All values are plain strings, integers, floats and booleans, so they survive JSON, YAML, W&B, Optuna and
checkpoints unchanged (enums do not load with `weights_only=True`).
"""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from ablations.errors import SettingError, explain


def _named(values: Any) -> Any:
    if isinstance(values, dict):
        for name in values:
            if not isinstance(name, str):
                raise ValueError(
                    f"the name of a setting must be a text, but got {name!r:.60}. Put it in quotes."
                )
    return values


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
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A group within another is checked for names that are no text before `__init__` would take them."""
        return no_info_before_validator_function(_named, handler(source))

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
