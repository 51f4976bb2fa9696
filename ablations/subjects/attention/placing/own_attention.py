"""The attention that a network has in the literature; none for a plain residual network."""

from ablations.subjects.attention.settings.groups import Attention

NONE = Attention(placement="none")

# hard-sigmoid gate, a quarter of the expanded channels, rounded to multiples of 8, in some units.
MOBILENET_V3 = Attention(
    placement="inner",
    order="after",
    blocks="own",
    reduction=4,
    rounding="divisible",
    gate="hard_sigmoid",
    bias=True,
)
# A quarter of the unit's input, not of the expanded channels.
EFFICIENTNET = Attention(
    placement="inner",
    order="after",
    reduction=4,
    reduction_base="block_input",
    rounding="floor",
    min_hidden=1,
    activation="silu",
    bias=True,
)
REGNET_Y = Attention(
    placement="inner",
    order="after",
    reduction=4,
    reduction_base="block_input",
    rounding="round",
    bias=True,
)


def own_attention(name: str) -> Attention:
    """What the published network of this name has."""
    known = (attention for start, attention in OWN.items() if name.startswith(start))
    return next(known, NONE)


def usual_attention(name: str) -> Attention:
    """What is meant by "attention in this network" where nothing else is said.

    The network's own; where it has none, squeeze-and-excitation as the SENet paper puts it there: in a residual
    branch before the sum, after the non-linearity of a plain layer or an Inception module.
    """
    own = own_attention(name)
    if own.placement != "none":
        return own
    return Attention(order="after") if name.startswith(("vgg", "googlenet")) else Attention()


OWN = {
    "mobilenet_v3": MOBILENET_V3,
    "efficientnet": EFFICIENTNET,
    "regnet_y": REGNET_Y,
}
