import os
from pathlib import Path

import pytest

from plain_files.study_folders import studies_in


def test_studies_are_the_folders_with_a_study_file(tmp_path: Path) -> None:
    for name in ("b", "a", "none", "odd"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "a" / "study.json").touch()
    (tmp_path / "b" / "study.json").touch()
    (tmp_path / "odd" / "study.json").mkdir()
    assert [one.name for one in studies_in(tmp_path)] == ["a", "b"]
    assert studies_in(tmp_path / "nowhere") == []


def test_one_that_may_not_be_looked_into_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anothers").mkdir()
    looked = os.stat

    def denied(path, **how):
        if str(path).endswith("anothers/study.json"):
            raise PermissionError(13, "Permission denied", str(path))
        return looked(path, **how)

    monkeypatch.setattr(os, "stat", denied)  # root may look everywhere
    assert [one.name for one in studies_in(tmp_path)] == ["anothers"]
