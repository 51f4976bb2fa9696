"""Threads of one process that train in step, one at work at a time."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class _Visit:
    """What one member brought to a meeting, and where it waits."""

    def __init__(self, brought: Any = None) -> None:
        self.brought = brought
        self.error: BaseException | None = None
        self._turn = threading.Semaphore(0)

    def wait(self) -> None:
        """Until it is this member's turn."""
        self._turn.acquire()

    def wake(self) -> None:
        """It is this member's turn."""
        self._turn.release()


class Lockstep:
    """Members take turns, and meet: the last to come acts for all, and all go on.

    A member is a thread inside `joined`. Only one member runs at a time, the others wait for their turn; a
    turn ends in `meet` and at the end of `joined`. So members need not be safe beside each other, and what
    they do is done in one order. The turn is handed to one thread, which is the only one to wake: threads
    that wake to find that it is not their turn cost a small network a good part of its step.
    """

    def __init__(self) -> None:
        self._state = threading.Lock()
        self.members = 0
        """With those who have come and wait for their first turn."""
        self._ready: deque[_Visit] = deque()
        """Who waits for nothing but a turn."""
        self._met: list[_Visit] = []
        """Who waits for the others to come to the meeting."""
        self._act: Callable[[Sequence[Any]], None] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Lockstep":
        # A copy of a member's network, an average of its weights say, meets nobody.
        return self

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Be a member for the length of the block; waits for the first turn."""
        with self._state:
            self.members += 1
            first = self.members == 1
            visit = _Visit()
            if not first:
                self._ready.append(visit)
        if not first:
            visit.wait()
        try:
            yield
        finally:
            self._end_turn(None)

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
        self._act = act
        self._end_turn(visit)
        visit.wait()
        if visit.error is not None:
            raise visit.error

    def _end_turn(self, visit: _Visit | None) -> None:
        """Come to the meeting, or leave; then act, if nobody else is to come, and hand the turn over."""
        with self._state:
            if visit is None:
                self.members -= 1
            else:
                self._met.append(visit)
            # Those who have met may have waited for this member only.
            complete = bool(self._met) and len(self._met) == self.members
            following = self._ready.popleft() if self._ready and not complete else None
        if complete:
            following = self._hold_meeting()
        if following is not None:
            following.wake()

    def _hold_meeting(self) -> _Visit:
        """Act on what all brought; the first of them is the next."""
        met, self._met = self._met, []
        assert self._act is not None
        try:
            self._act([visit.brought for visit in met])
        except BaseException as error:
            for visit in met:
                visit.error = error
        with self._state:
            # Before those who came meanwhile.
            self._ready.extendleft(reversed(met))
            return self._ready.popleft()
