from typing import Any

from trivial_plans import planned

from ablations.engine.supervision.agenda import Agenda, Start


class Rooms:
    """An executor that has room as the test says."""

    def __init__(self) -> None:
        self.apart = self.alone = True

    def room(self, *, alone: bool = False, apart: bool = False) -> bool:
        return (self.alone or not alone) and (self.apart or not apart)


def agenda(**runs: int) -> tuple[Agenda, Any]:
    rooms: Any = Rooms()
    made = Agenda(rooms)
    for how, x in runs.items():
        made.add(planned(x), how)  # type: ignore[arg-type]
    return made, rooms


def test_what_must_be_apart_comes_first_where_there_is_room_and_holds_nothing_up_where_not():
    waiting, rooms = agenda(again=1, apart=2)
    rooms.apart = False
    assert waiting.next() == Start(planned=planned(1))
    assert waiting.next() is None
    rooms.apart = True
    assert waiting.next() == Start(planned=planned(2), apart=True)
    assert not waiting


def test_what_must_be_alone_is_asked_for_at_the_last_and_waits_for_room():
    waiting, rooms = agenda(alone=3)
    assert waiting.next() is None
    rooms.alone = False
    assert waiting.last() is None
    assert waiting
    rooms.alone = True
    assert waiting.last() == Start(planned=planned(3), apart=True, alone=True)
    assert waiting.last() is None


def test_runs_of_a_kind_are_tried_again_in_their_order():
    waiting, _ = agenda()
    for x in (5, 4):
        waiting.add(planned(x), "again")
    assert [waiting.next(), waiting.next()] == [Start(planned=planned(x)) for x in (5, 4)]
