import pytest

from ablations.errors import SettingError
from ablations.studies.adaptive_search import Search


def test_several_objectives_take_no_pruner() -> None:
    assert Search().pruning == "median"
    assert Search(objectives=("val_loss", "params")).pruning == "none"
    with pytest.raises(SettingError, match="`pruner` must be 'none' with several objectives"):
        Search(objectives=("val_loss", "params"), pruner="asha")


@pytest.mark.parametrize("seed", [-1, 2**32, 2**70])
def test_a_samplers_seed_is_one_that_samplers_take(seed):
    with pytest.raises(SettingError, match=r"`seed` of a search must be from 0 to 4,294,967,295"):
        Search(seed=seed)
    assert Search(seed=2**32 - 1, sampler="random").seed == 2**32 - 1
