"""Settings: what can vary in a run. Constructing one is validating it.

All values are plain strings, integers, floats and booleans, so they survive JSON, YAML, W&B, Optuna and
checkpoints unchanged (enums do not load with `weights_only=True`).
"""

import re
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ablations.errors import SettingError, explain, one_of
from ablations.subjects.attention.blocks import choices
from ablations.subjects.attention.blocks.rules import SIZES, broken_rule, is_import_path, unused

Shortcut = Literal["pad", "project"]
Compile = Literal["none", "default", "reduce-overhead", "max-autotune"]
Optimizer = Literal["sgd", "adamw"]
Augmentation = Literal["none", "shift", "crop_flip"]


class Settings(BaseModel):
    """A frozen group of settings; an unknown name or an illegal value raises `SettingError`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            kind = type(self)
            raise SettingError(explain(error, kind.model_fields, hints=_hints(kind))) from None


def _hint(text: str) -> dict[str, Any]:
    """The way out of a bound, or the rule in words of a pattern, for the error's sentence."""
    return {"hint": text}


def _hints(kind: type[Settings]) -> dict[str, str]:
    extras = {name: info.json_schema_extra for name, info in kind.model_fields.items()}
    return {name: str(x["hint"]) for name, x in extras.items() if isinstance(x, dict)}


def _or_own(name: str, known: Any) -> AfterValidator:
    """A known word, or the import path of the user's own choice."""

    def check(value: str) -> str:
        if value in get_args(known) or is_import_path(value):
            return value
        raise ValueError(one_of(name, value, get_args(known)))

    return AfterValidator(check)


def _plain(value: Any) -> Any:
    """A word typed in a shell as the truth value or whole number that a list of choices has."""
    if not isinstance(value, str):
        return value
    words = {"true": True, "false": False, "none": None}
    return words.get(value.lower(), int(value) if value.isdecimal() else value)


class Attention(Settings):
    """Channel attention: what it is, and where in the network it sits.

    Which settings go together is `ablations.subjects.attention.blocks.rules`; what they do is `docs/attention.md`.
    """

    placement: choices.Placement = "standard"
    """Where in the residual unit, by the SENet paper's names (arXiv 1709.01507, section 6.5)."""
    order: choices.Order = "before"
    """Before or after the activation: gate(bn(conv)), or gate(relu(bn(conv)))."""
    stages: str = Field(
        default="all",
        pattern=r"^(all|\d+(,\d+)*)$",
        json_schema_extra=_hint(
            "'all' or numbers of stages from 1, with commas between them, for example '1,3'"
        ),
    )
    """Stages that get a block, counted from 1, for example `1,2,3`."""
    blocks: str = Field(
        default="all",
        pattern=r"^(all|own|residual|first|last|every_[2-9])$",
        json_schema_extra=_hint(
            "'all', 'own', 'residual', 'first', 'last', or 'every_' and a number from 2 to 9, for example "
            "'every_2'"
        ),
    )
    """Blocks of a stage that get one: all, those of the published network or with a shortcut, ..."""
    kind: Annotated[str, _or_own("kind", choices.Kind)] = "squeeze_excite"
    """The squeeze-and-excitation block, a relative of it, or your own module `package.module:name`."""
    control: choices.Control = "none"
    """What stands in for the block, or is done to its gate, to tell apart why it helps."""
    reduction: Annotated[float | None, BeforeValidator(_plain)] = Field(
        default=16.0,
        ge=1,
        json_schema_extra=_hint("`ratio` takes 1/r, and `hidden` the number of hidden units."),
    )
    """r: the bottleneck has C/r hidden units. Exactly one of this, `ratio` and `hidden` is given."""
    ratio: Annotated[float | None, BeforeValidator(_plain)] = Field(
        default=None,
        gt=0,
        le=1,
        json_schema_extra=_hint(
            "`ratio` is 1/r, and `reduction` takes r; no attention is `placement='none'`."
        ),
    )
    """1/r."""
    hidden: Annotated[int | None, BeforeValidator(_plain)] = Field(
        default=None,
        ge=1,
        json_schema_extra=_hint("No attention is `placement='none'`."),
    )
    """The number of hidden units, in every block."""
    reduction_base: choices.Base = "own"
    """Whose channels r divides: the gated map's, or those that enter or leave the unit."""
    rounding: choices.Rounding = "exact"
    """How C/r becomes whole. `exact`: it must be. `divisible`: nearest multiple of `divisor`."""
    divisor: int = Field(default=8, ge=1)
    round_limit: float = Field(default=0.9, ge=0, le=1)
    """One more `divisor` where rounding would fall below this share of C/r."""
    min_hidden: Annotated[int | None, BeforeValidator(_plain)] = Field(default=None, ge=1)
    """Rounding goes no lower than this; without it, fewer than one hidden unit is an error."""
    squeeze: Annotated[str, _or_own("squeeze", choices.Squeeze)] = "avg"
    squeeze_power: float = Field(default=3.0, gt=0)
    """p of `gem` (where learning starts) and `lp`, sharpness of `lse`."""
    excitation: choices.Excitation = "bottleneck"
    activation: choices.Activation = "relu"
    """Between the two layers of the bottleneck."""
    norm: choices.Norm = "none"
    """Before that activation; without hidden units, before the gate."""
    bias: Annotated[choices.Bias, BeforeValidator(_plain)] = False
    """Biases of the excitation. The paper's ablations have none; most libraries do."""
    eca_kernel: Annotated[int | None, BeforeValidator(_plain)] = Field(default=None, ge=1)
    """Channels that ECA's convolution sees; None adapts it to the width."""
    eca_circular: bool = False
    eca_permuted: bool = False
    """The convolution sees the channels in a fixed random order: a control for what neighbours mean."""
    affine: bool = False
    """The excitation also gives a shift: gate(a) x + b."""
    gate: Annotated[str, _or_own("gate", choices.Gate)] = "sigmoid"
    temperature: float = Field(default=1.0, gt=0)
    """tau: the gate is g(v / tau)."""
    gain: choices.Gain = "own"
    """`unit` divides the gate by g(0), so that every gate starts at 1: the gain-matched gate."""
    residual: bool = False
    """x (1 + g) in place of x g."""
    init: choices.Init = "default"
    """`zero`: the last layer is 0, so g = g(0). `open`: its bias makes g = `opening`."""
    opening: float = 0.9
    extent: Annotated[Literal[0, 2, 4, 8], BeforeValidator(_plain)] = 0
    """Gather-excite: pixels that are gathered into one; 0 is the whole map."""
    gather: choices.Gather = "mean"
    spatial_kernel: int = Field(default=7, ge=1)
    """CBAM's spatial convolution."""

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
            hints = _hints(GROUPS[group])
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
