"""A module of the current folder is not run in an installed one's place on a cluster either."""

import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.engine.executors import ray as ray_executor
from ablations.engine.executors import slurm
from ablations.engine.executors.ray import RayExecutor
from ablations.engine.records.folder import StudyFolder
from ablations.errors import StudyError

ON_RAY = """
import ray, sys
from ablations.engine.executors.ray import RayExecutor
executor = RayExecutor(slots=1)
there = ray.get(ray.remote(lambda: (sys.path, sys.modules["json"].__file__)).remote())
executor.close()
print(there)
"""


class Submitted(Exception):
    """In the place of submitit's executor, which looks for a cluster when it is made."""


def refusing(**given: object) -> None:
    raise Submitted(given)


@pytest.mark.parametrize("cluster", ["slurm", "local"])
def test_a_slurm_jobs_interpreter_leaves_the_current_folder_out(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch, cluster: str
) -> None:
    found = SimpleNamespace(AutoExecutor=refusing)
    monkeypatch.setattr(slurm, "needed_package", lambda *_, **__: found)
    with pytest.raises(Submitted) as made:
        slurm._submitter(folder, cluster=cluster)
    (given,) = made.value.args
    words = shlex.split(given[f"{cluster}_python"])
    assert words == [sys.executable, "-P"]
    assert given["cluster"] == cluster
    path = subprocess.run(
        [*words, "-c", "import sys; print(sys.path[0])"], capture_output=True, text=True
    )
    assert path.stdout.strip() not in ("", str(Path.cwd()))


def test_ray_is_called_from_the_installed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def init(**_: object) -> None:
        calls.append(Path.cwd())
        raise Submitted

    found = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setattr(ray_executor, "needed_package", lambda *_, **__: found)
    here = Path.cwd()
    with pytest.raises(Submitted):
        RayExecutor(slots=1)
    assert calls == [Path(sys.prefix).resolve()]
    assert Path.cwd() == here


@pytest.mark.integration
def test_submitits_script_names_the_safe_interpreter(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit")
    monkeypatch.setattr(submitit.SlurmExecutor, "affinity", classmethod(lambda cls: 2))
    made = slurm._submitter(folder, cluster="slurm")
    text = made._executor._make_submission_file_text(made._executor._submitit_command_str, "x")
    assert f"{shlex.quote(sys.executable)} -P -u -m submitit.core._submit" in text


@pytest.mark.integration
def test_without_slurm_nothing_else_is_done_in_its_place(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StudyError, match=r"Slurm cannot be used here: .*srun"):
        slurm.SlurmExecutor(folder, slots=1)


@pytest.mark.integration
def test_a_ray_actor_does_not_look_into_the_current_folder_first(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    ran = subprocess.run(
        [sys.executable, "-P", "-c", ON_RAY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    path, json_file = eval(ran.stdout.splitlines()[-1])
    assert str(tmp_path) not in path
    assert json_file != str(tmp_path / "json.py")
