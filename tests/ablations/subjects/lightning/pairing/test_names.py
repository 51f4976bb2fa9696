from collections import OrderedDict

from torch import nn
from torch.nn.utils import parametrizations

from ablations.subjects.lightning.pairing.names import named_tensors


def test_a_child_of_a_sequential_is_named_by_type_and_count_not_by_position() -> None:
    with_norm = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    without = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    names = ["Linear#0.weight", "Linear#0.bias", "Linear#1.weight", "Linear#1.bias"]
    assert list(named_tensors(without)) == names
    assert [name for name in named_tensors(with_norm) if "Norm" not in name] == names


def test_a_child_that_its_author_named_keeps_the_name() -> None:
    module = nn.Sequential(OrderedDict(stem=nn.Linear(1, 1), head=nn.Linear(1, 1)))
    assert list(named_tensors(module)) == ["stem.weight", "stem.bias", "head.weight", "head.bias"]
    assert list(named_tensors(nn.ModuleList([nn.Linear(1, 1)]))) == ["0.weight", "0.bias"]


def test_a_tensor_keeps_its_name_under_a_parametrisation() -> None:
    module = nn.Sequential(parametrizations.spectral_norm(nn.Linear(3, 3)))
    names = ["Linear#0.bias", "Linear#0.weight", "Linear#0.weight.0._u", "Linear#0.weight.0._v"]
    assert list(named_tensors(module)) == names
    module = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 3)))
    assert list(named_tensors(module))[1:] == [
        "Linear#0.weight.original0",
        "Linear#0.weight.original1",
    ]


def test_a_tensor_with_two_names_has_the_first() -> None:
    module = nn.Module()
    module.embed, module.head = nn.Embedding(4, 2), nn.Linear(2, 4, bias=False)
    module.head.weight = module.embed.weight
    module.again = module.embed
    assert list(named_tensors(module)) == ["embed.weight"]
