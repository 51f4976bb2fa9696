"""Arms of the attention subject by the dotted names of their settings."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from ablations.errors import SettingError, explain, one_of
from ablations.subjects.attention.settings.fields import OPEN
from ablations.subjects.attention.settings.groups import GROUPS, Arm
from ablations.subjects.attention.settings.recipes import RECIPES
from ablations.subjects.attention.settings.rules import SIZES, unused
from ablations.subjects.settings import hints_of
from ablations.subjects.values import flat, nested

SCHEDULED = {
    "step": frozenset({"decay_at", "decay_factor"}),
    "plateau": frozenset({"decay_factor", "patience"}),
}
"""The fields of `Training` that a schedule alone uses."""


def arm_of(values: Mapping[str, Any]) -> Arm:
    """The arm with these dotted settings, and defaults for the others."""
    return Arm(**nested(values))


def values_of(arm: Arm) -> dict[str, Any]:
    """All dotted settings of an arm."""
    return flat(arm.model_dump())


def with_values(arm: Arm, values: Mapping[str, Any]) -> Arm:
    """The arm with some dotted settings replaced, for example `{"attention.reduction": 4}`.

    Raises:
        SettingError: If a name is unknown or the combination is illegal.
    """
    tree = arm.model_dump()
    for name, value in RECIPES.get(values.get("training.recipe", "own"), {}).items():
        if name not in values:
            group, _, field = name.partition(".")
            tree[group][field] = value
    for name, value in values.items():
        group, _, field = check_name(name).partition(".")
        tree[group][field] = value
        if group == "attention" and field in SIZES and value is not None:
            _clear_other_sizes(tree[group], field, given=values)
    return Arm(**tree)


def _clear_other_sizes(fields: dict[str, Any], field: str, *, given: Mapping[str, Any]) -> None:
    """A new ratio takes the place of the old reduction; two that are both given stay, and collide."""
    for other in SIZES:
        if other != field and f"attention.{other}" not in given:
            fields[other] = None


def value_of(arm: Arm, name: str) -> Any:
    """The value of one dotted setting, for example `attention.reduction`."""
    group, _, field = check_name(name).partition(".")
    return getattr(getattr(arm, group), field)


def setting_names() -> list[str]:
    """All dotted names, for example `attention.reduction`."""
    return [f"{group}.{field}" for group, kind in GROUPS.items() for field in kind.model_fields]


def check_name(name: str) -> str:
    """The same name, if there is such a setting.

    Raises:
        SettingError: If there is none; says the nearest one.
    """
    names = setting_names()
    if name not in names:
        raise SettingError(one_of("setting", name, names))
    return name


def check_choice(name: str, level: Any) -> None:
    """Refuse a word that the dotted setting does not know.

    A number out of range passes: it makes an illegal arm, which a design lists.

    Raises:
        SettingError: If `level` is an unknown word; says the nearest known one.
    """
    group, _, field = name.partition(".")
    if isinstance(level, str):
        info = GROUPS[group].model_fields[field]
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]
        try:
            adapter.validate_python(level)
        except ValidationError as error:
            hints = hints_of(GROUPS[group])
            raise SettingError(explain(error, [], at=name, hints=hints)) from None


def kinds_of(name: str) -> frozenset[type]:
    """The types of a dotted setting's values: `int`, `float`, `str`, `bool`, `NoneType`."""
    group, _, field = check_name(name).partition(".")
    annotation: Any = GROUPS[group].model_fields[field].annotation
    return frozenset(_types(annotation))


def meaning_of(name: str) -> str:
    """What a dotted setting is, in a sentence or two."""
    group, _, field = check_name(name).partition(".")
    return " ".join((GROUPS[group].model_fields[field].description or "").split())


def words_of(name: str) -> tuple[Any, ...]:
    """The values of a dotted setting that takes words of a list; own modules may be named beside some."""
    group, _, field = check_name(name).partition(".")
    annotation: Any = GROUPS[group].model_fields[field].annotation
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return get_args(OPEN[field]) if group == "attention" and field in OPEN else ()


def _types(annotation: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    inside = get_args(annotation)
    if get_origin(annotation) is Literal:
        return [type(value) for value in inside]
    return [kind for one in inside for kind in _types(one)]


def inactive(arm: Arm) -> frozenset[str]:
    """The dotted settings that this arm does not use: without attention there is no ratio.

    Two arms that differ only in these are one arm; a design folds them.
    """
    idle = {f"attention.{field}" for field in unused(arm.attention)}
    if arm.attention.placement == "none":
        idle |= {"training.attention_learning_rate", "training.attention_weight_decay"}
    used = SCHEDULED.get(arm.training.schedule, frozenset())
    idle |= {f"training.{field}" for field in frozenset().union(*SCHEDULED.values()) - used}
    idle |= {"data.val_fraction"} if arm.data.split == "folds" else {"data.folds"}
    if arm.data.image_size is None:
        idle |= {"data.image_share"}
    return frozenset(idle | {f"backbone.{field}" for field in fixed_fields(arm.backbone.name)})


def fixed_fields(name: str) -> frozenset[str]:
    """The fields of `Backbone` that a network of this name does not use."""
    if re.fullmatch(r"cifar_(preact_)?resnet\w*", name):
        return frozenset()
    free_width = name == "small_vit" or name.startswith("sequence_resnet")
    return frozenset({"shortcut"}) if free_width else frozenset({"shortcut", "width"})
