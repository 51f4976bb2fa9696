"""What a block cannot compute with, refused in a sentence before torch fails in words of its own."""

from typing import Any, NoReturn

from torch import Tensor, fx, nn


class Readable(nn.Module):
    """A block that TorchScript cannot compile."""

    def __prepare_scriptable__(self) -> NoReturn:
        """Refuse `torch.jit.script`.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "torch.jit.script cannot compile attention, which asks how its map lies in memory. Export by "
            "`torch.export`, or trace by `torch.jit.trace`."
        )


def refuse_unreadable(x: Tensor | Any) -> None:
    """Refuse a map without numbers of its own, or with quantised ones.

    Raises:
        TypeError: With another way.
    """
    if isinstance(x, fx.Proxy):
        raise TypeError(
            "torch.fx.symbolic_trace cannot trace attention, which asks how its map lies in memory. Export by "
            "`torch.export`, or trace by `torch.jit.trace`."
        )
    if x.is_quantized:
        raise TypeError(
            "attention computes with floating-point maps, but its map is quantised. Put a `DeQuantStub` before it and "
            "a `QuantStub` after it, and set its `qconfig` to None."
        )
