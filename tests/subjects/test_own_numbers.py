"""What a function may return for a number, and what is said of anything else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ablations.engine.worker.here import ContextHere
from ablations.errors import SettingError
from ablations.subjects.function.run import call
from ablations.subjects.program import MeasuredBy, Program

LOSS = Program(metrics=(MeasuredBy(name="loss", direction="minimize"),))


@pytest.fixture
def measured(tmp_path: Path) -> Callable[[Any], Any]:
    def of(value: Any) -> Any:
        def train(config: Any) -> Any:
            return value

        context = ContextHere(
            run="a", folder=tmp_path, attempt_folder=tmp_path, device="cpu", threads=1
        )
        return call(train, LOSS, {}, seed=0, context=context)["loss"]

    return of


@pytest.mark.parametrize(
    "number",
    [
        0.5,
        np.float32(0.5),
        np.array([0.5]),
        torch.tensor(0.5),
        torch.tensor([0.5], requires_grad=True),
    ],
)
def test_one_number_is_taken_whoever_made_it(measured: Callable[[Any], Any], number: Any) -> None:
    assert measured(number) == measured({"loss": number}) == 0.5


@pytest.mark.parametrize(
    "value",
    ["low", None, True, np.bool_(1), 1j, np.ones(3), torch.ones(3), torch.ones((), device="meta")],
)
def test_what_is_no_one_number_is_refused(measured: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(SettingError, match="the metric 'loss' must be one number, but at the end"):
        measured({"loss": value})
