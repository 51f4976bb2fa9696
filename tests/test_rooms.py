import importlib.util
import re
from pathlib import Path
from types import ModuleType

from imports import ROOT, folders


def rooms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_house_shows_what_the_imports_say() -> None:
    drawn = rooms()
    stored = Path(drawn.PICTURE).read_text(encoding="utf-8")
    assert stored == drawn.svg(drawn.arrows(folders())), "run `python docs/rooms.py`"


def test_every_room_of_the_picture_is_a_folder_with_files() -> None:
    assert rooms().ROOMS.keys() <= folders().keys()


def test_an_arrow_that_follows_from_two_others_is_left_out() -> None:
    found = rooms().arrows(
        {
            "ablations.cli.words": {"ablations.designs", "ablations.subjects"},
            "ablations.designs": {"ablations.subjects"},
        }
    )
    assert found["ablations.cli"] == {"ablations.designs"}
    assert found["ablations.designs"] == {"ablations.subjects"}


def test_the_page_names_only_files_and_folders_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:ablations|analysis|docs|plain_files|search_spaces|tests)/[\w/.]*)`", page
    )
    assert len(named) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []
