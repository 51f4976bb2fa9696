"""The fields of channel attention, each checked by itself; which go together is `rules.py`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from ablations.errors import one_of
from ablations.import_path import is_import_path
from ablations.subjects.attention.settings import choices
from ablations.subjects.settings import Settings, hint

OPEN: dict[str, Any] = {"kind": choices.Kind, "squeeze": choices.Squeeze, "gate": choices.Gate}
"""Fields whose known words are not all that they take -> these words."""


def _or_own(name: str) -> AfterValidator:
    """A known word, or the import path of the user's own choice."""
    known = OPEN[name]

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


class AttentionFields(Settings):
    """What the block is, and where in the network it sits; what the values do is `docs/attention.md`."""

    placement: choices.Placement = "standard"
    """Where in the residual unit, by the SENet paper's names (arXiv 1709.01507, section 6.5)."""
    order: choices.Order = "before"
    """Before or after the activation: gate(bn(conv)), or gate(relu(bn(conv)))."""
    stages: str = Field(
        default="all",
        pattern=r"^(all|\d+(,\d+)*)$",
        json_schema_extra=hint(
            "'all' or numbers of stages from 1, with commas between them, for example '1,3'"
        ),
    )
    """Stages that get a block, counted from 1, for example `1,2,3`."""
    blocks: str = Field(
        default="all",
        pattern=r"^(all|own|residual|first|last|every_[2-9])$",
        json_schema_extra=hint(
            "'all', 'own', 'residual', 'first', 'last', or 'every_' and a number from 2 to 9, for example "
            "'every_2'"
        ),
    )
    """Blocks of a stage that get one: all, those of the published network or with a shortcut, ..."""
    kind: Annotated[str, _or_own("kind")] = "squeeze_excite"
    """The squeeze-and-excitation block, a relative of it, or your own module `package.module:name`."""
    control: choices.Control = "none"
    """What stands in for the block, or is done to its gate, to tell apart why it helps."""
    reduction: Annotated[float | None, BeforeValidator(_plain)] = Field(
        default=16.0,
        ge=1,
        json_schema_extra=hint("`ratio` takes 1/r, and `hidden` the number of hidden units."),
    )
    """r: the bottleneck has C/r hidden units. Exactly one of this, `ratio` and `hidden` is given."""
    ratio: Annotated[float | None, BeforeValidator(_plain)] = Field(
        default=None,
        gt=0,
        le=1,
        json_schema_extra=hint(
            "`ratio` is 1/r, and `reduction` takes r; no attention is `placement='none'`."
        ),
    )
    """1/r."""
    hidden: Annotated[int | None, BeforeValidator(_plain)] = Field(
        default=None,
        ge=1,
        json_schema_extra=hint("No attention is `placement='none'`."),
    )
    """The number of hidden units, in every block."""
    reduction_base: choices.Base = "own"
    """Whose channels r divides: the gated map's, or those that enter or leave the unit."""
    rounding: choices.Rounding = "exact"
    """How C/r becomes whole. `exact`: it must be. `divisible`: nearest multiple of `divisor`."""
    divisor: int = Field(default=8, ge=1)
    """Of the rounding `divisible`: hidden units come in multiples of it."""
    round_limit: float = Field(default=0.9, ge=0, le=1)
    """One more `divisor` where rounding would fall below this share of C/r."""
    min_hidden: Annotated[int | None, BeforeValidator(_plain)] = Field(default=None, ge=1)
    """Rounding goes no lower than this; without it, fewer than one hidden unit is an error."""
    squeeze: Annotated[str, _or_own("squeeze")] = "avg"
    """How each channel becomes one number, or your own function `package.module:name`."""
    squeeze_power: float = Field(default=3.0, gt=0)
    """p of `gem` (where learning starts) and `lp`, sharpness of `lse`."""
    excitation: choices.Excitation = "bottleneck"
    """What leads from these numbers to the logits of the gate."""
    activation: choices.Activation = "relu"
    """Between the two layers of the bottleneck."""
    norm: choices.Norm = "none"
    """Before that activation; without hidden units, before the gate."""
    bias: Annotated[choices.Bias, BeforeValidator(_plain)] = False
    """Biases of the excitation. The paper's ablations have none; most libraries do."""
    eca_kernel: Annotated[int | None, BeforeValidator(_plain)] = Field(default=None, ge=1)
    """Channels that ECA's convolution sees; None adapts it to the width."""
    eca_circular: bool = False
    """ECA's convolution goes around: the last channel is the first one's neighbour."""
    eca_permuted: bool = False
    """The convolution sees the channels in a fixed random order: a control for what neighbours mean."""
    affine: bool = False
    """The excitation also gives a shift: gate(a) x + b."""
    gate: Annotated[str, _or_own("gate")] = "sigmoid"
    """What makes of a logit the number that a channel is multiplied by, or your own function."""
    temperature: float = Field(default=1.0, gt=0)
    """tau: the gate is g(v / tau)."""
    gain: choices.Gain = "own"
    """`unit` divides the gate by g(0), so that every gate starts at 1: the gain-matched gate."""
    residual: bool = False
    """x (1 + g) in place of x g."""
    init: choices.Init = "default"
    """`zero`: the last layer is 0, so g = g(0). `open`: its bias makes g = `opening`."""
    opening: float = 0.9
    """Where the gates start with `init=open`."""
    extent: Annotated[Literal[0, 2, 4, 8], BeforeValidator(_plain)] = 0
    """Gather-excite: pixels that are gathered into one; 0 is the whole map."""
    gather: choices.Gather = "mean"
    """Gather-excite: by the mean, or by learnt convolutions of each channel."""
    spatial_kernel: int = Field(default=7, ge=1)
    """CBAM's spatial convolution."""
