"""Threads of one process that train in step, one at work at a time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class _Visit:
    """What one member brought to a meeting."""

    brought: Any
    over: bool = False
    error: BaseException | None = field(default=None, repr=False)


class Lockstep:
    """Members take turns, and meet: the last to come acts for all, and all go on.

    A member is a thread inside `joined`. Only one member runs at a time, the others wait for their turn; a
    turn ends in `meet` and at the end of `joined`. So members need not be safe beside each other, and what
    they do is done in one order.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition(threading.Lock())
        self._counting = threading.Lock()
        self._members = 0
        """With those who have come and wait for their first turn."""
        self._waiting: list[_Visit] = []
        self._act: Callable[[Sequence[Any]], None] | None = None

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Be a member for the length of the block; waits for the first turn."""
        self._count(1)
        with self._turn:
            try:
                yield
            finally:
                self._count(-1)
                # Those who wait may have waited for this member only.
                self._hold_meeting()

    def meet(self, brought: Any, act: Callable[[Sequence[Any]], None]) -> None:
        """Wait until all members meet; then what they brought has been acted on.

        Args:
            brought: This member's part, for `act` to read and to write into.
            act: What the last to come does with the parts of all, in the order of coming; every member
                brings the same function.

        Raises:
            BaseException: What `act` raised, in every member.
        """
        visit = _Visit(brought)
        self._waiting.append(visit)
        self._act = act
        self._hold_meeting()
        while not visit.over:
            self._turn.wait()
        if visit.error is not None:
            raise visit.error

    def _count(self, more: int) -> None:
        # Not under the turn, which a member may hold for long: it would meet without those who have come.
        with self._counting:
            self._members += more

    def _hold_meeting(self) -> None:
        if not self._waiting or len(self._waiting) < self._members:
            return
        visits, self._waiting = self._waiting, []
        assert self._act is not None
        try:
            self._act([visit.brought for visit in visits])
        except BaseException as error:
            for visit in visits:
                visit.error = error
        for visit in visits:
            visit.over = True
        self._turn.notify_all()
