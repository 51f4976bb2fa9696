"""From settings and a width to the module that sits in a host."""

from torch import nn

from ablations.errors import SettingError
from ablations.import_path import is_import_path
from ablations.subjects.attention.blocks.block import SqueezeExcite, refuse_no_block
from ablations.subjects.attention.blocks.controls import ConstantGate, StaticGate
from ablations.subjects.attention.blocks.gates import make_gate, start, start_logit
from ablations.subjects.attention.blocks.kin import KIN, GatherExcite
from ablations.subjects.attention.blocks.own import BLOCK, load_function
from ablations.subjects.attention.settings.groups import Attention


def build_block(
    attention: Attention,
    *,
    channels: int,
    base: int,
    dims: int,
    size: tuple[int, ...] | None = None,
) -> nn.Module:
    """The module that takes and gives a map (N, C, ...).

    Args:
        attention: What it is.
        channels: C.
        base: Channels that the reduction divides.
        dims: Number of position dimensions: 1, 2 or 3.
        size: Of the map, for a learnt gather over all of it (`rules.needs_map_size`).

    Raises:
        SettingError: If the block is illegal at this width, or the settings leave it out.
    """
    refuse_no_block(attention)
    if is_import_path(attention.kind):
        return _own(attention.kind, channels)
    if attention.kind == "gather_excite":
        return GatherExcite(channels, base=base, settings=attention, dims=dims, size=size)
    if attention.kind in KIN:
        kin: nn.Module = KIN[attention.kind](channels, base=base, settings=attention, dims=dims)
        return kin
    if attention.control == "constant":
        return ConstantGate(start(attention, channels=channels))
    if attention.control == "static":
        logit = start_logit(attention, channels=channels)
        return StaticGate(channels, make_gate(attention, channels=channels), start=logit)
    return SqueezeExcite(channels, base=base, settings=attention)


def _own(path: str, channels: int) -> nn.Module:
    block = load_function(path, role=BLOCK, channels=channels)
    if not isinstance(block, nn.Module):
        raise SettingError(
            f"`kind` {path!r} must be an `nn.Module` that is made with the number of channels, "
            f"but is {block!r}."
        )
    return block
