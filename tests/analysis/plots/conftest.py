from collections.abc import Callable, Iterator
from typing import Any

import pytest
from matplotlib.axes import Axes

from analysis.plots.drawing.style import look, new_figure


@pytest.fixture
def ax() -> Iterator[Axes]:
    with look("screen"):
        yield new_figure("screen").subplots()


@pytest.fixture
def texts() -> Callable[[Any], list[str]]:
    def read(ax: Any) -> list[str]:
        return [text.get_text() for text in ax.texts]

    return read
