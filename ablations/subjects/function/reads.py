"""A config that tells which of its settings are read, and is an ordinary dict in everything else."""

from collections.abc import Callable, Iterator
from typing import Any


class Reads(dict[str, Any]):
    """The tree of an arm's settings; whatever passes it on as a whole (`**config`, a copy, a pickle) reads all of it.

    Args:
        tree: Nested settings.
        tell: Called with the dotted name of a setting each time that it is read.
        at: What stands before the names.
    """

    __hash__ = None

    def __init__(self, tree: dict[str, Any], tell: Callable[[str], None], *, at: str = "") -> None:
        super().__init__(
            {
                name: Reads(value, tell, at=f"{at}{name}.") if isinstance(value, dict) else value
                for name, value in tree.items()
            }
        )
        self._tell, self._at = tell, at

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if not isinstance(value, Reads):
            self._tell(f"{self._at}{name}")
        return value

    def __iter__(self) -> Iterator[str]:
        # Written out, since `dict(config)` and `**config` pass by `__getitem__` of a dict that inherits it.
        return super().__iter__()

    def __repr__(self) -> str:
        return repr(self._plain())

    def __eq__(self, other: object) -> bool:
        return bool(self._plain() == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __or__(self, other: Any) -> Any:
        return self._plain() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._plain()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self._plain(),)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict's; tells where the setting is there."""
        return self[name] if name in self else default  # noqa: SIM401 - `dict.get` would pass by `__getitem__`

    def pop(self, name: str, *default: Any) -> Any:
        """As a dict's."""
        self.get(name)
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Any]:
        """As a dict's."""
        self._plain()
        return super().popitem()

    def setdefault(self, name: str, default: Any = None) -> Any:
        """As a dict's."""
        self.get(name)
        return super().setdefault(name, default)

    def copy(self) -> dict[str, Any]:
        """As a dict's."""
        return dict(self)

    def items(self) -> Any:
        """As a dict's; all is read."""
        self._plain()
        return super().items()

    def values(self) -> Any:
        """As a dict's; all is read."""
        self._plain()
        return super().values()

    def _plain(self) -> dict[str, Any]:
        """An ordinary dict of all of it, which reads all."""
        return {
            name: value._plain() if isinstance(value := self[name], Reads) else value
            for name in self
        }
