import pytest

from ablations.errors import SettingError
from ablations.studies.adaptive_search import Search


def test_several_objectives_take_no_pruner() -> None:
    assert Search().pruning == "median"
    assert Search(objectives=("val_loss", "params")).pruning == "none"
    with pytest.raises(SettingError, match="`pruner` must be 'none' with several objectives"):
        Search(objectives=("val_loss", "params"), pruner="asha")
