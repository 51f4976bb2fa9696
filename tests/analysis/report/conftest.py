import importlib.util
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analysis.report.build import write
from analysis.report.evidence.evidence import Evidence, gather

RATIO, GATE = "attention.reduction", "attention.gate"
CROSSED = {RATIO: {4: 0.0, 16: 0.0}, GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.03}}
EVERYTHING = [(arm, seed) for arm in range(6) for seed in range(5)]
KINDS: dict[str, dict[str, Any]] = {
    "ordinary": {"sigma": 0.002, "controls": {"no attention": 0.05}},
    "crossed": {"effects": CROSSED, "controls": {"no attention": 0.1}},
    "one_arm": {"effects": {RATIO: {16: 0.0}}},
    "one_seed": {"seeds": 1},
    "two_seeds": {"seeds": 2},
    "failed": {"failed": EVERYTHING},
    "waiting": {"waiting": EVERYTHING},
    "running": {
        "effects": {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.03}},
        "running": EVERYTHING[6:8],
        "waiting": EVERYTHING[8:10],
    },
    "pruned": {"pruned": EVERYTHING[::4], "failed": [(1, 1)]},
    "flat": {"kappa": 0.0},
    "falling": {"kappa": -2e-4, "sigma": 0.001},
    "search": {"stage": "search"},
    "gates": {"effects": {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.03}}},
}


@pytest.fixture
def study(make_study: Callable[..., Path]) -> Callable[..., Path]:
    """A study folder of its own, of a kind that its name tells."""
    return lambda kind, **more: make_study(kind, **{**KINDS[kind], **more})


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Evidence]:
    """The evidence of a kind of study, gathered once for all tests."""
    spec = importlib.util.spec_from_file_location(
        "studies", Path(__file__).parents[1] / "conftest.py"
    )
    assert spec is not None
    assert spec.loader is not None
    studies = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(studies)

    @cache
    def of(kind: str, price: float | None = None) -> Evidence:
        folder = tmp_path_factory.mktemp("shared") / kind
        return gather(studies.write_study(folder, **KINDS[kind]), price=price)

    return of


@pytest.fixture(scope="session")
def page(evidence: Callable[..., Evidence]) -> Callable[..., Path]:
    """The report's page of a kind of study, written once; tests must not change its folder."""
    files = {"gates": ("svg", "png")}
    return cache(lambda kind, price=None: write(evidence(kind, price), formats=files.get(kind, ())))


@pytest.fixture
def own_copy(page: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A copy of a study folder with its report, to change."""

    def copy(kind: str, price: float | None = None) -> Path:
        folder = page(kind, price).parents[1]
        return Path(shutil.copytree(folder, tmp_path / folder.name))

    return copy
