"""What `ablate status` prints of a study in which much goes on or wrong."""

import pytest

from ablations.cli.words.status_text import print_status
from ablations.engine.standing.status import Failure, Running, StudyStatus


def standing(errors=(), running=0):
    failures = tuple(
        Failure(run=f"r{i}", label=f"x={i}", seed=0, error=error, log=f"r{i}/1/log.txt")
        for i, error in enumerate(errors)
    )
    busy = tuple(
        Running(run=f"b{i}", label=f"y={i}", seed=0, attempt=1, epoch=1, epochs=9, slot=f"cpu{i}")
        for i in range(running)
    )
    return StudyStatus(
        study="first", supervisor=None, planned=9000, complete=0, pruned=0, failed=len(failures), running=busy,
        interrupted=0, waiting=0, attempts=0, metric="val_loss", best=None, slots=1, seconds_left=None,
        failures=failures,
    )  # fmt: skip


def lines(capsys, now):
    print_status(now, named="first")
    return capsys.readouterr().out.splitlines()


def test_a_few_failures_are_told_one_by_one(capsys):
    told = lines(capsys, standing(["ValueError: 1 is odd"] * 5))
    assert sum("failed   x=" in line for line in told) == 5
    assert "more" not in "".join(told)


def test_of_many_failures_the_first_of_each_kind_stands_with_the_number_of_the_others(capsys):
    odd, full = [f"ValueError: {i} is odd" for i in range(4000)], ["OSError: the disk is full"] * 2
    told = lines(capsys, standing(odd + full))
    assert told[1:] == [
        "  failed   x=0, seed 0: ValueError: 0 is odd",
        "           its log: r0/1/log.txt",
        "           and 3,999 more like it",
        "  failed   x=4000, seed 0: OSError: the disk is full",
        "           its log: r4000/1/log.txt",
        "           and 1 more like it",
        "           `ablate status first --json` has all 4,002",
    ]


def test_of_many_kinds_the_first_are_told_and_the_others_counted(capsys):
    told = lines(capsys, standing([f"Error{'x' * i}: no" for i in range(8)]))
    assert sum("failed   x=" in line for line in told) == 5
    assert told[-2:] == [
        "  failed   3 more in other ways",
        "           `ablate status first --json` has all 8",
    ]


def test_a_notebook_is_told_of_each_kind_once():
    html = standing(["ValueError: 1 is odd"] * 700)._repr_html_()
    assert html.count("is odd") == 1
    assert "(and 699 more like it)" in html


@pytest.mark.parametrize(("running", "more"), [(3, False), (300, True)])
def test_a_thousand_slots_do_not_fill_the_terminal(capsys, running, more):
    told = lines(capsys, standing(running=running))
    assert len(told) < 40
    assert any("more" in line for line in told) is more
