from pathlib import Path

import pytest

from ablations.subjects.tasks.scenes import remembered


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of caches of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(remembered, "user_cache_path", lambda _: folder)
    return folder
