import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablations.first_import import when_imported

NAME = "imported_later"


@pytest.fixture
def finders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """A module that nobody imported yet; what finds modules is as it was afterwards."""
    (tmp_path / f"{NAME}.py").write_text("given = [0]\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield list(sys.meta_path)
    sys.modules.pop(NAME, None)


def test_a_module_that_is_there_is_changed_at_once(finders: list[object]) -> None:
    module = importlib.import_module(NAME)
    when_imported(NAME, lambda one: one.given.append(1))
    assert module.given == [0, 1]
    assert sys.meta_path == finders


def test_one_that_is_not_is_changed_when_it_was_executed(finders: list[object]) -> None:
    when_imported(NAME, lambda one: one.given.append(1))
    when_imported(NAME, lambda one: one.given.append(2))
    assert importlib.util.find_spec(NAME) is not None  # asking whether it is there imports nothing
    assert importlib.util.find_spec(f"not_{NAME}") is None
    assert importlib.import_module(NAME).given == [0, 2]
    assert sys.meta_path == finders


def test_a_module_that_fails_is_waited_for_again(finders: list[object], tmp_path: Path) -> None:
    whole = (tmp_path / f"{NAME}.py").read_text()
    (tmp_path / f"{NAME}.py").write_text("raise OSError")
    when_imported(NAME, lambda one: one.given.append(1))
    with pytest.raises(OSError, match=r"^$"):
        importlib.import_module(NAME)
    (tmp_path / f"{NAME}.py").write_text(whole)
    importlib.invalidate_caches()
    assert importlib.import_module(NAME).given == [0, 1]
    assert sys.meta_path == finders


def test_a_module_that_is_nowhere_is_missed_as_ever(finders: list[object]) -> None:
    when_imported("nowhere_at_all", print)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'nowhere_at_all'$"):
        importlib.import_module("nowhere_at_all")
