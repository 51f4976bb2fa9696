import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ablations.lockstep import Lockstep

SECONDS = 5.0
"""After which a test has hung."""


def together(*members: Callable[[], Any]) -> list[BaseException | None]:
    """Runs each member in a thread of its own; what each raised."""
    raised: list[BaseException | None] = [None] * len(members)

    def serve(number: int) -> None:
        try:
            members[number]()
        except BaseException as error:
            raised[number] = error

    threads = [
        threading.Thread(target=serve, args=(number,), daemon=True)
        for number in range(len(members))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads), "a member waits for ever"
    return raised


def nothing(brought: Sequence[Any]) -> None:
    pass


class Everybody:
    """Lets the first member go on when all others have come too."""

    def __init__(self, lockstep: Lockstep, count: int) -> None:
        self.lockstep, self.count, self.came = lockstep, count, False

    def gather(self) -> None:
        """Inside `joined`: wait for the others; they wait for their turns."""
        deadline = time.monotonic() + SECONDS
        while not self.came:
            self.came = self.lockstep.members == self.count
            assert time.monotonic() < deadline, "not all came"
            time.sleep(0.001)


def test_only_one_member_works_at_a_time() -> None:
    lockstep, at_work, most = Lockstep(), 0, 0

    def member() -> None:
        nonlocal at_work, most
        with lockstep.joined():
            for _ in range(20):
                at_work += 1
                most = max(most, at_work)
                time.sleep(0.0005)  # long enough for another thread to come in
                at_work -= 1
                lockstep.meet(None, nothing)

    assert together(*[member] * 4) == [None] * 4
    assert most == 1


def test_the_last_to_come_acts_for_all_in_the_order_of_coming() -> None:
    lockstep = Lockstep()
    everybody = Everybody(lockstep, 3)
    came: list[int] = []
    acted: list[tuple[list[int], int]] = []
    threads: dict[int, int] = {}

    def act(brought: Sequence[int]) -> None:
        acted.append((list(brought), threading.get_ident()))

    def member(number: int) -> None:
        with lockstep.joined():
            threads[number] = threading.get_ident()
            everybody.gather()
            came.append(number)
            lockstep.meet(number, act)

    assert together(*(lambda n=n: member(n) for n in range(3))) == [None] * 3
    assert acted == [(came, threads[came[-1]])]


def test_what_was_acted_is_there_when_members_go_on() -> None:
    lockstep, sums = Lockstep(), []
    everybody = Everybody(lockstep, 4)

    def act(brought: Sequence[dict[str, int]]) -> None:
        for one in brought:
            one["sum"] = sum(other["mine"] for other in brought)

    def member(number: int) -> None:
        with lockstep.joined():
            everybody.gather()
            part = {"mine": number}
            lockstep.meet(part, act)
            sums.append(part["sum"])

    assert together(*(lambda n=n: member(n) for n in range(4))) == [None] * 4
    assert sums == [6, 6, 6, 6]


@pytest.mark.parametrize("raises", [False, True])
def test_a_member_that_leaves_or_raises_releases_the_others(raises: bool) -> None:
    lockstep = Lockstep()
    everybody = Everybody(lockstep, 3)
    acted: list[list[str]] = []

    def stays() -> None:
        with lockstep.joined():
            everybody.gather()
            lockstep.meet(None, nothing)
            lockstep.meet("stays", lambda brought: acted.append(list(brought)))

    def leaves() -> None:
        with lockstep.joined():
            everybody.gather()
            lockstep.meet(None, nothing)
            # The others came first and wait for this one by now.
            if raises:
                raise ValueError("a member's own fault")

    first, second, left = together(stays, stays, leaves)
    assert (first, second) == (None, None)
    assert (str(left) == "a member's own fault") is raises
    assert acted == [["stays", "stays"]]


def test_an_error_in_what_is_acted_reaches_every_member() -> None:
    lockstep = Lockstep()
    everybody = Everybody(lockstep, 3)

    def act(brought: Sequence[int]) -> None:
        raise MemoryError(f"no room for {len(brought)}")

    def member() -> None:
        with lockstep.joined():
            everybody.gather()
            lockstep.meet(0, act)

    assert [str(error) for error in together(*[member] * 3)] == ["no room for 3"] * 3


def test_an_error_that_a_member_catches_ends_nothing() -> None:
    lockstep = Lockstep()
    everybody = Everybody(lockstep, 2)
    acted: list[int] = []

    def refuse(brought: Sequence[int]) -> None:
        raise ValueError("not these")

    def member() -> None:
        with lockstep.joined():
            everybody.gather()
            with pytest.raises(ValueError, match=r"^not these$"):
                lockstep.meet(0, refuse)
            lockstep.meet(0, lambda brought: acted.append(len(brought)))

    assert together(member, member) == [None, None]
    assert acted == [2]


def test_one_that_joins_in_the_middle_takes_part() -> None:
    lockstep, sizes = Lockstep(), []
    begun = threading.Event()

    def act(brought: Sequence[str]) -> None:
        sizes.append(sorted(brought))

    def early() -> None:
        with lockstep.joined():
            for step in range(2000):
                lockstep.meet("early", act)
                if step == 3:
                    begun.set()
                if "late" in sizes[-1]:
                    return
                time.sleep(0.001)

    def late() -> None:
        assert begun.wait(SECONDS)
        with lockstep.joined():
            lockstep.meet("late", act)

    assert together(early, late) == [None, None]
    assert sizes[:4] == [["early"]] * 4
    assert sizes[-1] == ["early", "late"]


def test_one_that_waits_for_its_first_turn_is_waited_for() -> None:
    lockstep, acted = Lockstep(), []
    inside = threading.Event()

    def act(brought: Sequence[str]) -> None:
        acted.append(sorted(brought))

    def first() -> None:
        with lockstep.joined():
            inside.set()
            time.sleep(0.1)  # the second has come by now, and this one has the turn
            lockstep.meet("first", act)

    def second() -> None:
        assert inside.wait(SECONDS)
        with lockstep.joined():
            lockstep.meet("second", act)

    assert together(first, second) == [None, None]
    assert acted == [["first", "second"]]


def test_one_member_alone_acts_at_once() -> None:
    lockstep, acted = Lockstep(), []
    with lockstep.joined():
        lockstep.meet("only", lambda brought: acted.append(list(brought)))
    assert acted == [["only"]]


def test_hundreds_of_rounds_of_five_members_end_and_each_is_met_by_all() -> None:
    lockstep = Lockstep()
    everybody = Everybody(lockstep, 5)
    rounds: list[list[tuple[int, int]]] = []

    def act(brought: Sequence[tuple[int, int]]) -> None:
        rounds.append(sorted(brought))

    def member(number: int) -> None:
        with lockstep.joined():
            everybody.gather()
            for step in range(500):
                lockstep.meet((step, number), act)

    assert together(*(lambda n=n: member(n) for n in range(5))) == [None] * 5
    assert rounds == [[(step, number) for number in range(5)] for step in range(500)]


def test_members_of_different_lengths_end() -> None:
    lockstep, sizes = Lockstep(), []
    everybody = Everybody(lockstep, 5)

    def member(steps: int) -> None:
        with lockstep.joined():
            everybody.gather()
            for _ in range(steps):
                lockstep.meet(None, lambda brought: sizes.append(len(brought)))

    assert together(*(lambda n=n: member(100 * n) for n in range(1, 6))) == [None] * 5
    assert sizes == [5] * 100 + [4] * 100 + [3] * 100 + [2] * 100 + [1] * 100
