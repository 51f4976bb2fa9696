"""The settings of the attention subject: what can vary in a run. Constructing one is validating it."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ablations.subjects.attention.settings.fields import AttentionFields
from ablations.subjects.attention.settings.rules import broken_rule
from ablations.subjects.settings import Settings

Shortcut = Literal["pad", "project"]
Compile = Literal["none", "default", "reduce-overhead", "max-autotune"]
Optimizer = Literal["sgd", "adamw"]
Augmentation = Literal["none", "shift", "crop_flip"]


class Attention(AttentionFields):
    """Channel attention: what it is, and where in the network it sits.

    Which settings go together is `ablations.subjects.attention.settings.rules`; what they do is `docs/attention.md`.
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
    """`digits`, `cifar10`, `npz`, `folder`, ..., or your own function `package.module:name`; docs/spaces.md."""
    root: str | None = None
    """Where its files lie."""
    val_fraction: float = Field(default=0.3, gt=0, lt=1)
    """Share of the images held out, stratified by class."""
    split_seed: int = 0
    """The split is the same for all seeds unless a space varies this."""
    augmentation: Augmentation = "none"
    """`shift`: by one pixel each way, zero-padded. `crop_flip`: pad 4, crop, flip left-right."""


class Training(Settings):
    """The recipe: optimiser, schedule and length."""

    epochs: int = Field(default=30, ge=1)
    """Passes over the training data; the value of the last one counts."""
    batch_size: int = Field(default=64, ge=2)
    """The last, incomplete batch of an epoch is left out; the order is new in each epoch."""
    optimizer: Optimizer = "sgd"
    """SGD with Nesterov momentum, or AdamW."""
    learning_rate: float = Field(default=0.1, gt=0)
    """The largest one, after the warm-up."""
    weight_decay: float = Field(default=5e-4, ge=0)
    """Of all weights but biases and normalisations."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Nesterov momentum of SGD; AdamW does not use it."""
    warmup_epochs: int = Field(default=3, ge=0)
    """Linear warm-up, then a cosine to zero, both counted in steps."""
    attention_learning_rate: float = Field(default=1.0, gt=0)
    """The attention's learning rate, in multiples of `learning_rate`."""
    attention_weight_decay: float = Field(default=1.0, ge=0)
    """The attention's weight decay, in multiples of `weight_decay`. Decay draws a gate to its value at 0."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """The share of each label that is spread over all classes in training."""
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
