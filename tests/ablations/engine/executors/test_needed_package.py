import sys

import pytest

from ablations.engine.executors.ray import RayExecutor
from ablations.engine.executors.slurm import SlurmExecutor
from ablations.errors import StudyError


@pytest.mark.parametrize("package", ["ray", "submitit"])
def test_a_missing_package_names_the_extra(folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    make = {"ray": RayExecutor, "submitit": lambda: SlurmExecutor(folder, slots=1)}[package]
    with pytest.raises(
        StudyError, match=rf"pip install 'ablations\[{'ray' if package == 'ray' else 'slurm'}\]'"
    ):
        make()
