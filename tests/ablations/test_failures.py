"""What failed in a user's code is one line that ends with the line of their own file."""

import sys
from pathlib import Path

import pytest
from torch._utils import ExceptionWrapper

from ablations.errors import SettingError
from ablations.failures import line_of, own_line, told_by, words_of
from ablations.import_path import load

MODULE = """import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x @ torch.zeros(3, 3)


class Rows:
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return {}["row"]


def quietly():
    nn.Linear(2, 2)(torch.zeros(3))


def by_way_of_ours():
    from ablations.import_path import load
    load("no path")
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "failing_net.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "failing_net", raising=False)
    return __import__("failing_net")


def raised(call) -> Exception:
    with pytest.raises(Exception) as caught:
        call()
    # As our own code would catch it, which the test is not.
    return caught.value.with_traceback(caught.tb.tb_next)


def test_the_innermost_frame_of_the_users_own_is_named_and_no_library_below_it(net) -> None:
    import torch

    error = raised(lambda: net.Net()(torch.zeros(2, 2)))
    assert words_of(error).endswith(" (failing_net.py, line 7)")
    assert words_of(error).startswith("RuntimeError: mat1 and mat2")
    assert own_line(raised(net.quietly)) == " (failing_net.py, line 19)"
    assert line_of(raised(net.quietly)) == "failing_net.py, line 19"


def test_a_frame_of_this_project_is_not_the_users_own(net) -> None:
    assert own_line(raised(net.by_way_of_ours)) == " (failing_net.py, line 24)"


def test_what_a_process_of_a_loader_raised_is_told_without_its_traceback(net) -> None:
    # As the loader hands it on. A process that raised is waited for, for five seconds, when its loader is collected.
    try:
        net.Rows()[0]
    except KeyError:
        handed_on = ExceptionWrapper(where="in DataLoader worker process 0")
    error = raised(handed_on.reraise)
    assert words_of(error) == "KeyError: 'row' (failing_net.py, line 15)"
    assert (told_by(error), line_of(error)) == ("'row'", "failing_net.py, line 15")


def test_a_file_elsewhere_is_told_by_its_name(
    net, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert own_line(raised(net.quietly)) == " (failing_net.py, line 19)"


def test_an_error_without_a_line_of_the_users_own_says_none() -> None:
    assert words_of(KeyError("a")) == "KeyError: 'a'"
    assert line_of(KeyError("a")) is None


def test_an_import_that_fails_inside_a_module_names_its_line(net, tmp_path: Path) -> None:
    (tmp_path / "lacking.py").write_text("import json\nimport no_such_package_here\n")
    with pytest.raises(
        SettingError,
        match=r"No module named 'no_such_package_here' \(lacking\.py, line 2\)\. Check",
    ):
        load("lacking:net")
