"""The settings of the attention subject: what can vary in a run. Constructing one is validating it."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ablations.errors import one_of
from ablations.subjects.attention.settings.fields import AttentionFields
from ablations.subjects.attention.settings.recipes import of_recipe
from ablations.subjects.attention.settings.rules import broken_rule
from ablations.subjects.settings import Settings, hint

Shortcut = Literal["pad", "project"]
Compile = Literal["none", "default", "reduce-overhead", "max-autotune"]
Optimizer = Literal["sgd", "adamw", "rmsprop", "lamb", "muon"]
Schedule = Literal["cosine", "linear", "step", "one_cycle", "plateau", "constant"]
Precision = Literal["32", "bf16-mixed", "16-mixed"]
Stream = Literal["auto", "resident", "streamed"]
SplitBy = Literal["fixed", "per_seed", "folds"]
Recipe = Literal["own", "senet_imagenet", "senet_cifar", "torchvision_v2", "short"]
AUGMENTATIONS = (
    "shift", "crop", "flip", "crop_flip", "random_resized_crop", "color_jitter", "color_jitter_hue", "rand_augment",
    "trivial_augment_wide", "erasing", "cutout",
)  # fmt: skip

CUT = "random_resized_crop"


def _number_or_none(value: Any) -> Any:
    return None if value == "none" else value


def _augmentations(value: str) -> str:
    """`none`, or known words with + between them."""
    for word in value.split("+") if value != "none" else ():
        if word not in AUGMENTATIONS:
            rule = one_of("augmentation", word, ("none", *AUGMENTATIONS))
            raise ValueError(f"{rule} Several are joined by a plus sign: 'crop_flip+cutout'.")
    return value


def _test_set(value: Any) -> str | float:
    """`none`, `own`, or a share as a float."""
    if value in ("none", "own"):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise ValueError(
        "`data.test` must be 'none', 'own' (the data set's own test examples), or a share of all examples between 0 "
        f"and 1 like 0.2, but got {value!r}."
    )


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
    """The data and how they are split. `root` is where files lie; it is no part of a run's identity."""

    name: str = "digits"
    """`digits`, `cifar10`, `npz`, `folder`, ..., or your own function `package.module:name`; docs/spaces.md."""
    root: str | None = None
    """Where its files lie."""
    val_fraction: float = Field(default=0.3, gt=0, lt=1)
    """Share of the images held out, stratified by class."""
    split_seed: int = 0
    """Which of all possible splits: another one, another split."""
    split: SplitBy = "fixed"
    """`fixed`: one split for all seeds. `per_seed`: each seed has a split of its own, the same for all arms. `folds`:
    cross-validation, each seed holds out the next of `folds` parts, which are drawn anew once all had a turn."""
    folds: int = Field(default=5, ge=2)
    """Of `split=folds`: how many parts; `val_fraction` is then not used."""
    test: Annotated[str | float, BeforeValidator(_test_set)] = "none"
    """A test set, which no run trains on or validates with: `own` (CIFAR's test images, or what lies at `test_root`),
    or a share of all examples, the same in every split. `ablate test` looks at it, once."""
    test_root: str | None = None
    """Of `test=own`: where the files of the test set lie, if the data set does not have it in its own."""
    augmentation: Annotated[str, AfterValidator(_augmentations)] = "none"
    """What is done to the images of a training batch, in this order: `shift`, `crop`, `flip`, `crop_flip`,
    `random_resized_crop`, `color_jitter`, `color_jitter_hue`, `rand_augment`, `trivial_augment_wide`, `erasing`,
    `cutout`, joined by +."""
    image_size: int | None = Field(
        default=None,
        ge=1,
        json_schema_extra=hint("Images that are of one size stay as they are without it."),
    )
    """Height and width that stored images of any size are brought to as they are read; none where all are of one."""
    image_share: float = Field(default=0.875, gt=0, le=1)
    """Of `image_size`: the share of the shorter side that the square in the middle has, which is scaled."""
    stream: Stream = "auto"
    """Whether stored images are kept in memory (`resident`), or read anew in each epoch (`streamed`); `auto`: by their
    size. It changes no number and is no part of a run's identity."""
    workers: Annotated[int | None, BeforeValidator(_number_or_none)] = Field(default=None, ge=0)
    """Processes of a run that read ahead what is streamed; none for as many as it has threads. It changes no number."""
    skip_corrupt: bool = False
    """Leave out images that cannot be read, and say how many; otherwise they are refused."""

    @property
    def cuts_stored_images(self) -> bool:
        """Whether a random part is cut out of each stored image as it is read."""
        return self.image_size is not None and self.augmentation.split("+")[0] == CUT

    @property
    def on_batches(self) -> str:
        """The words of `augmentation` that are left to do on batches."""
        if not self.cuts_stored_images:
            return self.augmentation
        return self.augmentation.partition("+")[2] or "none"

    @model_validator(mode="after")
    def _cut_goes_with_the_rest(self) -> Self:
        if self.image_size is None:
            return self
        if CUT in self.augmentation.split("+")[1:]:
            raise ValueError(
                f"`data.augmentation` must begin with {CUT!r} where `data.image_size` is set, because it is cut out "
                f"of the stored image, but is {self.augmentation!r}."
            )
        if self.cuts_stored_images and self.stream == "resident":
            raise ValueError(
                f"`data.stream` must be 'auto' or 'streamed' where {CUT!r} cuts another part out of each stored image "
                "in each epoch, but is 'resident'."
            )
        return self


class Training(Settings):
    """The recipe: optimiser, schedule and length."""

    recipe: Recipe = "own"
    """A published recipe: its values stand where no other is given, and `ablate show` prints them."""
    epochs: int = Field(default=30, ge=1)
    """Passes over the training data; the value of the last one counts."""
    batch_size: int = Field(default=64, ge=2)
    """The last, incomplete batch of an epoch is left out; the order is new in each epoch."""
    optimizer: Optimizer = "sgd"
    """SGD with Nesterov momentum, AdamW, RMSprop, LAMB; or Muon for the convolutions and matrices between the first and
    the last, with AdamW for the rest, both at the rate of an AdamW. The last two need `ablations[optimizers]`."""
    learning_rate: float = Field(default=0.1, gt=0)
    """The largest one, after the warm-up."""
    weight_decay: float = Field(default=5e-4, ge=0)
    """Of all weights but biases and normalisations."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Nesterov momentum of SGD and Muon, plain momentum of RMSprop; AdamW and LAMB do not use it."""
    schedule: Schedule = "cosine"
    """What the learning rate does after the warm-up, counted in steps. `cosine`, `linear`: to zero. `step`:
    times `decay_factor` after each epoch of `decay_at`. `one_cycle`: up from 1/25 and down
    to nearly nothing, along cosines. `plateau`: times `decay_factor` where `val_loss` has not fallen for `patience`
    epochs."""
    warmup_epochs: int = Field(default=3, ge=0)
    """The rate rises linearly for so long, counted in steps."""
    decay_at: Annotated[str, BeforeValidator(str)] = Field(
        default="15,25",
        pattern=r"^\d+(,\d+)*$",
        json_schema_extra=hint("numbers of epochs with commas between them, for example '15,25'"),
    )
    """Of the schedule `step`: after which epochs the rate falls."""
    decay_factor: float = Field(default=0.1, gt=0, lt=1)
    """Of the schedules `step` and `plateau`: what the rate is then multiplied by."""
    patience: int = Field(default=5, ge=0)
    """Of the schedule `plateau`: epochs without a lower loss before the rate falls."""
    attention_learning_rate: float = Field(default=1.0, gt=0)
    """The attention's learning rate, in multiples of `learning_rate`."""
    attention_weight_decay: float = Field(default=1.0, ge=0)
    """The attention's weight decay, in multiples of `weight_decay`. Decay draws a gate to its value at 0."""
    norm_weight_decay: float = Field(default=1.0, ge=0)
    """The weight decay of norms and biases, in multiples of `weight_decay`."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """The share of each label that is spread over all classes in training."""
    mixup: float = Field(default=0.0, ge=0)
    """Each image is mixed with another one's, and the loss likewise, by a share from Beta(mixup, mixup)."""
    cutmix: float = Field(default=0.0, ge=0)
    """A rectangle of each image comes from another, of an area from Beta(cutmix, cutmix). Beside mixup: one of
    the two in each step."""
    stochastic_depth: float = Field(default=0.0, ge=0, lt=1)
    """How often training leaves out the last residual branch, for each image by itself; the branches before it less
    often, in proportion to their place (arXiv 1603.09382). ResNets, ResNeXts and RegNets."""
    clip_norm: float = Field(default=0.0, ge=0)
    """The largest norm of the gradient, longer ones are shortened to it; 0 for none."""
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients are added up for one step."""
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    """The weights that are validated are a moving average over the steps with this decay; 0 for none."""
    precision: Annotated[Precision, BeforeValidator(str)] = "32"
    """Of the network's arithmetic; losses and weights stay in float32. Lightning's names."""
    compile: Compile = "none"
    """How torch compiles the network, in each run anew: tens of seconds, so for long runs. On a GPU
    `reduce-overhead` replays CUDA graphs, which pays where a step is mostly launching kernels."""
    measure_latency: bool = False
    """Time one example's forward pass on the run's device at the end, beside whatever else runs there; changes
    no other number and is no part of a run's identity. A search for `latency` sets it."""
    record_gates: bool = False
    """Write what the gates do to `gates.jsonl` and `channels.json`; changes no number and is no part of a run's
    identity."""

    @model_validator(mode="before")
    @classmethod
    def _recipe_is_what_it_stands_for(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {**of_recipe(values.get("recipe"), "training"), **values}

    @model_validator(mode="after")
    def _schedule_fits(self) -> Self:
        if self.schedule == "plateau" and self.warmup_epochs:
            raise ValueError(
                "`training.warmup_epochs` must be 0 where `training.schedule` is 'plateau', but is "
                f"{self.warmup_epochs}: both would set the learning rate."
            )
        late = [at for at in self.decay_at.split(",") if int(at) >= self.epochs]
        if self.schedule == "step" and late:
            raise ValueError(
                "`training.decay_at` must name epochs before the last, `training.epochs`, but has "
                f"{late[0]} of {self.epochs}. Name earlier ones, for example training.decay_at="
                f"{max(1, self.epochs // 2)}."
            )
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

    @model_validator(mode="before")
    @classmethod
    def _recipe_speaks_of_the_data_too(cls, values: Any) -> Any:
        training = values.get("training") if isinstance(values, dict) else None
        said = of_recipe(training.get("recipe"), "data") if isinstance(training, dict) else {}
        data = values.get("data", {}) if said else None
        return {**values, "data": {**said, **data}} if isinstance(data, dict) else values


class Run(Settings):
    """One arm with one seed: one training."""

    arm: Arm
    seed: int = Field(ge=0)
