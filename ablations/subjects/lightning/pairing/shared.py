"""What two arms of one seed start with in common: the tensors of the same name and shape, and how many are equal."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablations.subjects.lightning.pairing.names import named_tensors


@dataclass(frozen=True, kw_only=True)
class SharedTensors:
    """The tensors of two modules, by canonical name.

    Attributes:
        equal: Names of those that both have in one shape and type, equal in every number.
        unequal: Names of those that both have in one shape and type, but with other numbers.
        reshaped: Names of those that both have in different shapes or types.
        only_first: Names that the second module has not.
        only_second: Names that the first has not.
    """

    equal: tuple[str, ...]
    unequal: tuple[str, ...]
    reshaped: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many tensors of one name and shape there are."""
        return len(self.equal) + len(self.unequal)

    def __str__(self) -> str:
        """For example `25 of 25 shared tensors equal; 4 in one arm only`."""
        alone = len(self.only_first) + len(self.only_second)
        parts = [
            f"{len(self.equal)} of {self.count} shared tensors equal",
            f"{len(self.reshaped)} of another shape" if self.reshaped else "",
            f"{alone} in one arm only" if alone else "",
        ]
        return "; ".join(part for part in parts if part)


def shared(first: nn.Module, second: nn.Module) -> SharedTensors:
    """Compare the tensors of two modules, as they are now."""
    a, b = named_tensors(first), named_tensors(second)
    both = [name for name in a if name in b]
    alike = [
        name for name in both if a[name].shape == b[name].shape and a[name].dtype == b[name].dtype
    ]
    equal = [name for name in alike if _same(a[name], b[name])]
    return SharedTensors(
        equal=tuple(equal),
        unequal=tuple(name for name in alike if name not in set(equal)),
        reshaped=tuple(name for name in both if name not in set(alike)),
        only_first=tuple(name for name in a if name not in b),
        only_second=tuple(name for name in b if name not in a),
    )


def _same(a: Tensor, b: Tensor) -> bool:
    """Equal in every number; a NaN equals a NaN."""
    return torch.equal(a, b.to(a.device)) or bool(
        a.is_floating_point() and torch.allclose(a, b.to(a.device), rtol=0, atol=0, equal_nan=True)
    )
