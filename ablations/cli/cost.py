"""`ablate cost`: the exact cost of a network with any attention. A command of the attention subject alone."""

import json as json_format
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ablations.cli.options.arguments import Flag, Json, Set, Whole, Wholes, assignments
from ablations.errors import SettingError
from plain_files.numbers import as_given

if TYPE_CHECKING:
    from ablations.subjects.attention.counting.counting import Cost
    from ablations.subjects.attention.settings.groups import Arm

BATCHES = (1, 128)
MOST = 1_000_000
"""Channels, classes or positions along a side: beyond it is no network, and counting would take the machine."""
CONVENTIONS = {
    "params": "elements of all parameters; buffers are not counted",
    "macs": "multiply-adds of convolutions, linear layers and matrix products for one image; "
    "the SENet paper's GFLOPs",
    "attention_params": "elements of the parameters of all blocks of attention, with their biases",
    "attention_flops": "2 per multiply-add, 1 per element pooled, scaled or shifted; 2CHW + 4C²/r for the "
    "plain block. torch's FlopCounterMode counts 2 per multiply-add, but no pooling and no scaling",
    "c2_eff": "sum of C² over the blocks (C times the channels that r divides): 2 c2_eff / r weights for the "
    "plain block",
    "excitation_half_from": "the C from which on the excitation is half of a block's cost, r H W / 2; null "
    "where a block does not cost 2CHW + 4C²/r",
    "activation_bytes": "what training keeps for the backward pass of one image, in float32",
}


def cost(
    network: str,
    /,
    *,
    set_: Set = (),
    image: str | None = None,
    in_channels: Whole = 3,
    classes: Whole | None = None,
    json: Json = False,
    latency: Flag = False,
    batches: Annotated[Wholes, Parameter(help="Batch size of --latency; repeatable.")] = BATCHES,
) -> None:
    """Exact cost of a network with any attention, before anything is trained.

    Without `--set attention...` it is the published network, with the literature's own attention if any.

    Args:
        network: A network's name, such as resnet50 or cifar_resnet20.
        image: Side of the image, its height and width as 128x64, or length of the sequence; 224, or 32
            for the CIFAR family, small_vit and the sequence networks.
        in_channels: Channels of the image or sequence.
        classes: Outputs; 1000, or 10 for the CIFAR family, small_vit and the sequence networks.
        latency: Also time the whole network with and without its attention on this machine.
    """
    from ablations.subjects.attention.cost.cost import cost as cost_of_arm

    small = network.startswith(("cifar", "sequence", "small"))
    arm = arm_of(network, assignments(set_))
    if latency:
        _check_batches(arm, batches)
    elif batches != BATCHES:
        raise SettingError("`--batches` are those of --latency: add it.")
    shape: dict[str, Any] = {
        "image": (32 if small else 224) if image is None else _size(image),
        "in_channels": _at_least_one("--in-channels", in_channels),
        "classes": (10 if small else 1000)
        if classes is None
        else _at_least_one("--classes", classes),
    }
    found = cost_of_arm(arm.backbone, arm.attention, **shape)
    timed = _latency(arm, shape, batches) if latency else None
    if json:
        content = {"network": network, **shape, **found.to_json(), "conventions": CONVENTIONS}
        print(json_format.dumps(content | ({"latency": timed} if timed else {}), indent=2))
        return
    _print_cost(network, found, shape)
    for line in timed or ():
        print(
            f"batch {line['batch']}: {line['milliseconds']:.1f} ms, without attention "
            f"{line['milliseconds_without']:.1f} ms, ratio {line['ratio']:.3f} "
            f"(medians of {line['repeats']}, {line['device']}, {line['threads']} threads)"
        )


def _size(text: str) -> int | tuple[int, ...]:
    """`224` as one number for all sides, `128x64` as height and width."""
    sides = text.split("x")
    if not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise SettingError(
            f"`--image` must be a positive whole number or height and width as 128x64, but got {text!r}."
        )
    if any(len(side) > len(str(MOST)) for side in sides):
        raise SettingError(f"`--image` must have sides of at most {MOST:,}, but got {text!r:.80}.")
    numbers = tuple(int(side) for side in sides)
    return numbers if len(numbers) > 1 else numbers[0]


def _at_least_one(option: str, value: int) -> int:
    if value < 1:
        raise SettingError(f"`{option} >= 1` must hold, but got {value}. Use `{option} 1` or more.")
    if value > MOST:
        raise SettingError(f"`{option} <= {MOST:,}` must hold, but got {value}.")
    return value


def arm_of(network: str, values: dict[str, Any]) -> "Arm":
    """The published network, with some settings replaced.

    A change of attention in a network that has none of its own puts squeeze-and-excitation there first,
    as the SENet paper does.

    Raises:
        SettingError: If the network or a setting is unknown, or a combination illegal.
    """
    from ablations.subjects.attention.placing.own_attention import own_attention, usual_attention
    from ablations.subjects.attention.settings.arms import with_values
    from ablations.subjects.attention.settings.groups import Arm, Backbone

    changes_attention = any(name.startswith("attention.") for name in values)
    attention = usual_attention(network) if changes_attention else own_attention(network)
    return with_values(Arm(attention=attention, backbone=Backbone(name=network)), values)


def _print_cost(network: str, found: "Cost", shape: dict[str, Any]) -> None:
    from ablations.subjects.attention.networks.hosts import positions

    size = "x".join(map(str, positions(network, shape["image"])))
    print(f"{network} (input {size}, channels {shape['in_channels']}, classes {shape['classes']})")
    share = found.attention_params / found.params
    print(f"parameters        {found.params:>16,}")
    print(f"  of attention    {found.attention_params:>16,}  ({share:.2%})")
    print(
        f"multiply-adds     {found.macs:>16,}  (the SENet paper's GFLOPs; without pooling, gates)"
    )
    print(f"attention FLOPs   {found.attention_flops:>16,}  (2CHW + 4C²/r for the plain block)")
    print(f"activations       {found.activation_bytes:>16,}  bytes kept for backward, one example")
    if found.mismatch is not None:
        print(f"widened to match  {found.mismatch:>+16.3%}  off the network with attention")
    if not found.blocks:
        print("no attention")
        return
    print(
        f"\n{'block':<22}{'C':>6}{'H':>5}{'W':>5}{'hidden':>8}{'C/hidden':>10}{'params':>12}"
        f"{'  excitation is half from C ='}"
    )
    for block in found.blocks:
        reduction, half = block.realised_reduction, block.excitation_half_from
        print(
            f"{block.name:<22}{block.channels:>6}{block.height:>5}{block.width:>5}"
            f"{block.hidden or '-':>8}{'-' if reduction is None else as_given(reduction):>10}"
            f"{block.params:>12,}{'-' if half is None else as_given(half):>12}"
        )


def _check_batches(arm: "Arm", batches: tuple[int, ...]) -> None:
    smallest = _at_least_one("--batches", min(batches))
    _at_least_one("--batches", max(batches))
    attended = arm.attention.placement != "none"
    if attended and arm.attention.control == "shuffled" and smallest < 2:
        raise SettingError(
            "`control='shuffled'` gives each image another one's gate: `--batches >= 2` must hold, but "
            f"got {smallest}. Use `--batches 128`."
        )


def _latency(arm: "Arm", shape: dict[str, Any], batches: tuple[int, ...]) -> list[dict[str, Any]]:
    """Medians of interleaved repeats of inference, with and without attention."""
    from ablations.subjects.attention.cost.latency import compare

    return [compare(arm, batch=batch, **shape).to_json() for batch in batches]
