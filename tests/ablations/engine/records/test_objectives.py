import pytest

from ablations.engine.records.objectives import check_objectives, front, objective_of
from ablations.errors import SettingError


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("val_los",), r"Did you mean 'val_loss'"),
        ((), "at least one number"),
        (("params", "params"), "each once"),
    ],
)
def test_objectives_that_no_run_has_are_refused(names, message) -> None:
    with pytest.raises(SettingError, match=message):
        check_objectives(names, ("val_loss", "params"))


def test_a_number_is_the_results_or_else_the_costs() -> None:
    assert objective_of("params", {"params": 7}, {"val_loss": 0.5}) == 7
    assert objective_of("val_loss", {"params": 7}, {"val_loss": 0.5}) == 0.5
    assert objective_of("latency", {"params": 7}, {"val_loss": 0.5}) is None


def test_layers_of_the_front_by_hand() -> None:
    points = {"a": (1, 9), "b": (2, 5), "c": (3, 5), "d": (4, 1), "e": (4, 9), "twin": (2, 5)}
    layers = front(points, ["minimize", "minimize"])
    assert layers == [["a", "b", "d", "twin"], ["c"], ["e"]]
    # The other way round the worst of before is the best.
    assert front(points, ["maximize", "maximize"])[0] == ["e"]
