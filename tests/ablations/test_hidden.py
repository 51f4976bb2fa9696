import sys
import warnings
from pathlib import Path

import pytest

from ablations.hidden import BESIDE, warn_of_hidden


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("place", ["{}.py", "{}/__init__.py"])
def test_what_hides_a_package_of_ours_is_named_with_the_way_out(
    name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / place.format(name)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match=rf"`import {name}` finds {path}, .* Rename it, or start"):
        warn_of_hidden()


def test_where_nothing_is_hidden_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "analysis").mkdir()  # a folder without modules hides nothing
    monkeypatch.syspath_prepend(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_hidden()
