"""The settings of the attention subject: what can vary in a run. Constructing one is validating it."""

import re
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from ablations.errors import SettingError, explain, one_of
from ablations.subjects.attention.blocks.rules import SIZES, broken_rule, unused
from ablations.subjects.attention.fields import AttentionFields
from ablations.subjects.settings import Settings, hints_of

Shortcut = Literal["pad", "project"]
Compile = Literal["none", "default", "reduce-overhead", "max-autotune"]
Optimizer = Literal["sgd", "adamw"]
Augmentation = Literal["none", "shift", "crop_flip"]


class Attention(AttentionFields):
    """Channel attention: what it is, and where in the network it sits.

    Which settings go together is `ablations.subjects.attention.blocks.rules`; what they do is `docs/attention.md`.
    """

    @model_validator(mode="before")
    @classmethod
    def _size_replaces_the_default(cls, values: Any) -> Any:
        other = isinstance(values, dict) and (values.get("ratio") or values.get("hidden"))
        return {**values, "reduction": None} if other and "reduction" not in values else values

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        message = broken_rule(self)
        if message is not None:
            raise ValueError(message)
        return self


class Backbone(Settings):
    """The host network; `docs/networks.md` lists them."""

    name: str = "cifar_resnet8"
    """`cifar_resnet<6n+2>`, or one of torchvision's names: `resnet50`, `mobilenet_v3_large`, ..."""
    width: int = Field(default=16, ge=1)
    """Channels of the first stage, where it is free; the CIFAR family has width, 2 width, 4 width."""
    shortcut: Shortcut = "pad"
    """Between stages of the CIFAR family: zeros for new channels (A), or a 1x1 convolution (B)."""


class Data(Settings):
    """The data and its fixed split. `root` is where files lie; it is no part of a run's identity."""

    name: str = "digits"
    root: str | None = None
    val_fraction: float = Field(default=0.3, gt=0, lt=1)
    """Share of the images held out, stratified by class."""
    split_seed: int = 0
    """The split is the same for all seeds unless a space varies this."""
    augmentation: Augmentation = "none"
    """`shift`: by one pixel each way, zero-padded. `crop_flip`: pad 4, crop, flip left-right."""


class Training(Settings):
    """The recipe: optimiser, schedule and length."""

    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=64, ge=2)
    """The last, incomplete batch of an epoch is left out; the order is new in each epoch."""
    optimizer: Optimizer = "sgd"
    learning_rate: float = Field(default=0.1, gt=0)
    weight_decay: float = Field(default=5e-4, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Nesterov momentum of SGD; AdamW does not use it."""
    warmup_epochs: int = Field(default=3, ge=0)
    """Linear warm-up, then a cosine to zero, both counted in steps."""
    attention_learning_rate: float = Field(default=1.0, gt=0)
    """The attention's learning rate, in multiples of `learning_rate`."""
    attention_weight_decay: float = Field(default=1.0, ge=0)
    """The attention's weight decay, in multiples of `weight_decay`. Decay draws a gate to its value at 0."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    compile: Compile = "none"
    """How torch compiles the network, in each run anew: tens of seconds, so for long runs. On a GPU
    `reduce-overhead` replays CUDA graphs, which pays where a step is mostly launching kernels."""
    measure_latency: bool = False
    """Time one example's forward pass on the run's device at the end, beside whatever else runs there; changes
    no other number and is no part of a run's identity. A search for `latency` sets it."""
    record_gates: bool = False
    """Write what the gates do to `gates.jsonl`; changes no number and is no part of a run's identity."""

    @model_validator(mode="after")
    def _warmup_fits(self) -> Self:
        if self.warmup_epochs >= self.epochs and self.warmup_epochs > 0:
            raise ValueError(
                f"`warmup_epochs < epochs` must hold, but got {self.warmup_epochs} and {self.epochs}. "
                "A short run can go without: `training.warmup_epochs=0`."
            )
        return self


GROUPS: dict[str, type[Settings]] = {
    "attention": Attention,
    "backbone": Backbone,
    "data": Data,
    "training": Training,
}


class Arm(Settings):
    """One full assignment of factors: a run without its seed."""

    attention: Attention = Attention()
    backbone: Backbone = Backbone()
    data: Data = Data()
    training: Training = Training()


class Run(Settings):
    """One arm with one seed: one training."""

    arm: Arm
    seed: int = Field(ge=0)


def with_values(arm: Arm, values: dict[str, Any]) -> Arm:
    """The arm with some dotted settings replaced, for example `{"attention.reduction": 4}`.

    Raises:
        SettingError: If a name is unknown or the combination is illegal.
    """
    tree = arm.model_dump()
    for name, value in values.items():
        group, _, field = check_name(name).partition(".")
        tree[group][field] = value
        if group == "attention" and field in SIZES and value is not None:
            _clear_other_sizes(tree[group], field, given=values)
    return Arm(**tree)


def _clear_other_sizes(fields: dict[str, Any], field: str, *, given: dict[str, Any]) -> None:
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
    return frozenset(idle | {f"backbone.{field}" for field in fixed_fields(arm.backbone.name)})


def fixed_fields(name: str) -> frozenset[str]:
    """The fields of `Backbone` that a network of this name does not use."""
    if re.fullmatch(r"cifar_(preact_)?resnet\w*", name):
        return frozenset()
    free_width = name == "small_vit" or name.startswith("sequence_resnet")
    return frozenset({"shortcut"}) if free_width else frozenset({"shortcut", "width"})
