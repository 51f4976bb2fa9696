"""Attention attached to a user's module, as settings of their study: `attention.*`, and `attach.at`, where it sits."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ablations.errors import SettingError
from ablations.subjects.attention.attach.rules import refuse_the_matchs
from ablations.subjects.attention.settings.arms import (
    arm_of,
    check_choice,
    kinds_of,
    value_of,
    values_of,
    with_values,
)
from ablations.subjects.attention.settings.groups import Arm, Attention
from ablations.subjects.attention.settings.identity import NEUTRAL as OF_ALL
from ablations.subjects.attention.settings.rules import unused as unused_fields
from ablations.subjects.program import Attach
from ablations.subjects.subject import Setting, Values

GROUP = "attention."
AT = "attach.at"
NEUTRAL = {name: value for name, value in OF_ALL.items() if name.startswith(GROUP)}


def settings_of(attach: Attach) -> dict[str, Setting]:
    """Every setting of attention, and the modules that it is attached to."""
    names = [f"{GROUP}{field}" for field in Attention.model_fields]
    where = Setting(
        default=", ".join(attach.at),
        kinds=frozenset({str}),
        meaning="Modules that attention is attached to: patterns of names, or import paths of classes.",
    )
    of_attention = {
        name: Setting(
            default=value_of(Arm(), name),
            kinds=kinds_of(name),
            refuse=partial(check_choice, name),
        )
        for name in names
    }
    return {AT: where, **of_attention}


def attention_of(arm: Values) -> Attention:
    """The attention that an arm attaches.

    Raises:
        SettingError: If its settings do not go together, or are not for any network.
    """
    attention = arm_of(_part(arm)).attention
    refuse_the_matchs(attention)
    return attention


def checked(arm: Values) -> dict[str, Any]:
    """The arm's settings of attention, each as it is held: 8 and 8.0 are one.

    Raises:
        SettingError: If they do not go together, or are not for any network.
    """
    attention = attention_of(arm)
    patterns_of(arm)
    return {f"{GROUP}{field}": getattr(attention, field) for field in type(attention).model_fields}


def changed(arm: Values, values: Values) -> dict[str, Any]:
    """The settings of attention of an arm with some replaced; a new ratio takes the place of the old reduction."""
    return _part(values_of(with_values(arm_of(_part(arm)), _part(values))))


def unused(arm: Values) -> frozenset[str]:
    """What the arm does not use of attention, and where it would sit if there were any."""
    attention = attention_of(arm)
    idle = {f"{GROUP}{field}" for field in unused_fields(attention)}
    return frozenset(idle | ({AT} if attention.placement == "none" else set()))


def patterns_of(arm: Values) -> tuple[str, ...]:
    """What `attach.at` names, one by one.

    Raises:
        SettingError: If it names nothing.
    """
    found = tuple(one.strip() for one in str(arm[AT]).split(",") if one.strip())
    if not found:
        raise SettingError(f"`{AT}` must name a module, a pattern or a class, but is empty.")
    return found


def _part(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name.startswith(GROUP)}
