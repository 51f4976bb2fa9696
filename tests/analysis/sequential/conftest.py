import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `plain_arms` is imported by name

from plain_arms import declared

from analysis.sequential.rule import until_decided


@pytest.fixture
def rule_of() -> Callable[..., dict[str, Any]]:
    def made(comparisons: int, *, margin: float = 1.0, max_seeds: int = 12) -> dict[str, Any]:
        return declared(until_decided(margin=margin, max_seeds=max_seeds), comparisons)

    return made
