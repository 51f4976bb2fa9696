"""Whether what a module gives is a residual sum: seen in the operations of one pass, not in its name or type.

Notation: y = x + b(x), or y = act(norm(b(x) + s(x))) with a shortcut s that is one child of the module. A sum counts
if one of its two operands is what the module took, the output of a child that took it, or such a sum; activations,
norms and views of a sum lead on to the module's output.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

SUMS = (torch.ops.aten.add, torch.ops.aten.add_)


class Frame:
    """One call of a module: which tensors are its shortcuts, and which are sums with them."""

    def __init__(self, inputs: Iterable[Tensor]) -> None:
        # Tensors are kept, not only their ids, which would be given to others once they are gone.
        self._inputs = {id(x): x for x in inputs}
        self._shortcuts = dict(self._inputs)
        self._sums: dict[int, Tensor] = {}
        self._plain: set[int] = set()

    def sees_child(self, took: Iterable[Tensor], gave: Any) -> None:
        """A direct child was called: one that took the module's input may be the projection of the shortcut."""
        if isinstance(gave, Tensor) and any(id(x) in self._inputs for x in took):
            self._shortcuts[id(gave)] = gave

    def sees(self, operation: Any, operands: list[Tensor], result: Tensor, *, alpha: float) -> None:
        """One operation inside the call."""
        a = operands[0]
        if _is_sum(operation, operands, result):
            b = operands[1]
            if not any(id(x) in known for x in (a, b) for known in (self._shortcuts, self._sums)):
                return
            once = not (id(a) in self._sums or id(b) in self._sums)
            if once and alpha == 1 and (id(a) in self._inputs or id(b) in self._inputs):
                self._plain.add(id(result))
            self._sums[id(result)] = result
        elif id(a) in self._sums and _leads_on(operation):
            self._plain.discard(id(result))
            self._sums[id(result)] = result
        elif id(a) in self._shortcuts and operation.is_view:
            self._shortcuts[id(result)] = result

    def is_sum(self, y: Tensor) -> bool:
        """Whether y is a residual sum, or an activation or norm of one."""
        return id(y) in self._sums

    def is_plain_sum(self, y: Tensor) -> bool:
        """Whether y is x + b(x) with the module's own input x, and nothing after the sum."""
        return id(y) in self._plain


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Shows every operation to the frames of the calls that are open."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.open: list[Frame] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The operation, unchanged."""
        out = func(*args, **(kwargs or {}))
        result = out[0] if isinstance(out, tuple) else out
        operands = [x for x in args if isinstance(x, Tensor)]
        if operands and isinstance(result, Tensor):
            alpha = (kwargs or {}).get("alpha", 1)
            for frame in self.open:
                frame.sees(func, operands, result, alpha=alpha)
        return out


def _is_sum(operation: Any, operands: list[Tensor], result: Tensor) -> bool:
    shapes = {x.shape for x in (*operands, result)}
    return operation.overloadpacket in SUMS and len(operands) == 2 and len(shapes) == 1


def _leads_on(operation: Any) -> bool:
    name = operation.overloadpacket.__name__
    return operation.is_view or torch.Tag.pointwise in operation.tags or "norm" in name
