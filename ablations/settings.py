"""Settings: what can vary in a run. Constructing one is validating it.

All values are plain strings, integers, floats and booleans, so they survive JSON, YAML, W&B, Optuna and
checkpoints unchanged (enums do not load with `weights_only=True`).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ablations.errors import SettingError, explain, one_of

Placement = Literal["standard", "post", "none"]
Order = Literal["before", "after"]
Squeeze = Literal["avg", "max"]
Gate = Literal["sigmoid", "one_plus_tanh", "two_sigmoid"]
Shortcut = Literal["pad", "project"]
Optimizer = Literal["sgd", "adamw"]
Augmentation = Literal["none", "shift", "crop_flip"]


class Settings(BaseModel):
    """A frozen group of settings; an unknown name or an illegal value raises `SettingError`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingError(explain(error, type(self).model_fields)) from None


class Attention(Settings):
    """Channel attention: what it is, and where in the network it sits."""

    placement: Placement = "standard"
    """Where in the residual unit, by the SENet paper's names (arXiv 1709.01507, section 6.5)."""
    order: Order = "before"
    """Before or after the activation: gate(bn(conv)), or gate(relu(bn(conv)))."""
    reduction: float = Field(default=16.0, ge=1)
    """r: the bottleneck has C/r hidden units. C/r must be whole in every block."""
    squeeze: Squeeze = "avg"
    gate: Gate = "sigmoid"
    bias: bool = False
    """Biases in both layers of the bottleneck. The paper's ablations have none; most libraries do."""


class Backbone(Settings):
    """The host network."""

    name: str = "cifar_resnet8"
    """`cifar_resnet<6n+2>`."""
    width: int = Field(default=16, ge=1)
    """Channels of the first stage; the CIFAR family has width, 2 width, 4 width."""
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
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _warmup_fits(self) -> Self:
        if self.warmup_epochs >= self.epochs and self.warmup_epochs > 0:
            raise ValueError(
                f"`warmup_epochs < epochs` must hold, but got {self.warmup_epochs} and {self.epochs}."
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
    return Arm(**tree)


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
            raise SettingError(explain(error, [], at=name)) from None


def inactive(arm: Arm) -> frozenset[str]:
    """The dotted settings that this arm does not use: without attention there is no ratio.

    Two arms that differ only in these are one arm; a design folds them.
    """
    if arm.attention.placement == "none":
        return frozenset(
            f"attention.{field}" for field in Attention.model_fields if field != "placement"
        )
    return frozenset()
