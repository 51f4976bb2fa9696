import subprocess
from pathlib import Path

from ablations.engine.records.provenance import code_hash, code_version, fingerprint


def test_the_fingerprint_follows_space_data_and_code(tmp_path: Path):
    (tmp_path / "net.py").write_text("a = 1\n")
    code = [tmp_path / "net.py"]
    first = fingerprint(space={"a": 1}, data="d", code=code, packages=("torch", "numpy"))
    assert first == fingerprint(space={"a": 1}, data="d", code=code, packages=("torch", "numpy"))
    assert (
        first["space"]
        != fingerprint(space={"a": 2}, data="d", code=code, packages=("torch", "numpy"))["space"]
    )
    (tmp_path / "net.py").write_text("a = 2\n")
    assert code_hash(code) != first["code"]
    assert {"torch", "numpy"} <= first["versions"].keys()


def test_the_code_version_is_the_commit_and_a_hash_of_what_differs(tmp_path: Path):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=n", "-c", "user.email=e@x"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    assert code_version(tmp_path) == {"commit": None, "diff": None}
    git("init", "-q")
    (tmp_path / "a.py").write_text("a = 1\n")
    git("add", "a.py")
    git("commit", "-q", "-m", "Start")
    clean = code_version(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["diff"] is None
    (tmp_path / "a.py").write_text("a = 2\n")
    assert code_version(tmp_path)["diff"] is not None
