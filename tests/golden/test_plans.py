"""The plans of the presets are those of the first release, bit for bit: ids, labels, settings, costs."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ablations import SettingError, load_space, show
from ablations.designs.expand import runs

SINCE: dict[str, dict[str, Any]] = {
    "data": {
        "split": "fixed", "folds": 5, "test": "none", "test_root": None, "image_size": None, "image_share": 0.875,
        "stream": "auto", "workers": None, "skip_corrupt": False,
    },
    "training": {
        "recipe": "own", "schedule": "cosine", "decay_at": "15,25", "decay_factor": 0.1, "patience": 5,
        "norm_weight_decay": 1.0, "mixup": 0.0, "cutmix": 0.0, "clip_norm": 0.0, "accumulate": 1,
        "ema_decay": 0.0, "precision": "32", "stochastic_depth": 0.0,
    },
}  # fmt: skip
"""Settings that came later, with the values that mean "as before"."""


def as_then(run: dict[str, Any]) -> dict[str, Any]:
    """A planned run without the settings that came later, which must be as before."""
    for group, values in SINCE.items():
        fields = run["settings"]["arm"][group]
        assert {name: fields.pop(name) for name in values} == values
    return run


GOLDEN = json.loads(Path(__file__).with_name("plans.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("named", [name for name in GOLDEN if isinstance(GOLDEN[name], dict)])
def test_a_presets_plan_is_what_it_was(named: str) -> None:
    preset, _, design = named.partition("/")
    found = show(load_space(preset), design=design)
    planned = [run.to_json() for run in runs(found.arms, seeds=[0, 3], stage=design)]  # type: ignore[arg-type]
    golden = GOLDEN[named]
    assert {run["label"]: run["arm"] for run in planned} == golden["arms"]
    assert (len(planned), len(found.illegal), len(found.folded)) == (
        golden["runs"], golden["illegal"], golden["folded"],
    )  # fmt: skip
    content = json.dumps([as_then(run) for run in planned], sort_keys=True).encode()
    assert hashlib.sha256(content).hexdigest() == golden["sha256"]


@pytest.mark.parametrize("named", [name for name in GOLDEN if isinstance(GOLDEN[name], str)])
def test_a_design_that_does_not_fit_a_preset_says_so_as_it_did(named: str) -> None:
    preset, _, design = named.partition("/")
    with pytest.raises(SettingError) as error:
        show(load_space(preset), design=design)
    assert f"SettingError: {error.value}" == GOLDEN[named]
