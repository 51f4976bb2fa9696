"""The tensors of a network with attached attention: whose is which, and the host's own checkpoints."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.hooks import CHILD, attached_modules

SHOWN = 3


def attention_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Dotted name to parameter, of the attached attention: for an optimiser's groups."""
    ours = _prefixes(network)
    return {name: p for name, p in network.named_parameters() if name.startswith(ours)}


def host_state_dict(network: nn.Module) -> dict[str, Any]:
    """The network's `state_dict` without its attention: a checkpoint of the host alone."""
    ours = _prefixes(network)
    return {name: x for name, x in network.state_dict().items() if not name.startswith(ours)}


def load_host_state_dict(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load a checkpoint of the host alone, strictly; the attention keeps its tensors.

    Raises:
        SettingError: If the checkpoint lacks tensors of the host, or has others.
    """
    ours = _prefixes(network)
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.startswith(ours)]
    if missing or unexpected:
        raise SettingError(
            f"the checkpoint must have the host's tensors and no others, but lacks {_some(missing)} and has "
            f"{_some(unexpected)} besides. Load a whole checkpoint by the network's own `load_state_dict`."
        )


def _prefixes(network: nn.Module) -> tuple[str, ...]:
    return tuple(f"{name}.{CHILD}." for name in attached_modules(network))


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:SHOWN]) + more
