import copy
import re

import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.import_path import load
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.attention.training.module import AttentionClassifier

MODULE = """
import torch
from torch import nn


class Half(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.5))

    def forward(self, x):
        return x * self.weight.reshape(-1, *(1 for _ in x.shape[2:]))


class Attends(nn.Module):
    # Tensors of its own, and modules of torch's that have no `reset_parameters`.
    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(channels))
        self.register_buffer("order", torch.randperm(channels), persistent=False)
        self.inner = nn.utils.parametrizations.weight_norm(nn.Linear(channels, channels))
        self.heads = nn.MultiheadAttention(channels, 2, batch_first=True)

    def forward(self, x):
        z = self.inner(x.flatten(2).mean(2))
        return x * (self.scale * self.heads(z, z, z)[0]).reshape(*z.shape, 1, 1)


class Keeps(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.factor = torch.linspace(1, 2, channels)

    def forward(self, v):
        return torch.sigmoid(v) * self.factor


class NeedsTwo(nn.Module):
    def __init__(self, channels, kernel):
        super().__init__()


class Shrinks(Half):
    def forward(self, x):
        return x[:, :, ::2, ::2]


class SumsChannels(Half):
    def forward(self, v):
        return v.sum(1)


def total(x):
    return x.mean()


def first(x):
    return x.flatten(2)[:, :, 0]


def two(v, tau):
    return v


def product(x):
    return x @ torch.ones(3, 3, device=x.device)


def number(x):
    return 3.0
"""


@pytest.fixture(autouse=True)
def modules(tmp_path, monkeypatch):
    (tmp_path / "own_parts.py").write_text(MODULE)
    (tmp_path / "own_unnamed.py").write_text("x = undefined_thing\n")
    (tmp_path / "own_unfinished.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)


MAP_TO_MAP = r"must take a map (N, C, ...) and give one of the same shape, but"
MAP_TO_SUMMARY = r"must take a map (N, C, ...) and give (N, C), but"
LOGITS = r"must take logits (N, C) and give factors of the same shape, but"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"kind": "own_parts:NeedsTwo"},
            "`kind` 'own_parts:NeedsTwo' must be made with the number of channels alone, but "
            "`NeedsTwo(16)` failed: TypeError: ",
        ),
        (
            {"squeeze": "torch.nn:Linear"},
            "`squeeze` 'torch.nn:Linear' must be made with the number of channels alone, but "
            "`Linear(16)` failed: TypeError: ",
        ),
        (
            {"gate": "own_unnamed:x"},
            "'own_unnamed:x' cannot be imported, because 'own_unnamed' fails: NameError: name "
            "'undefined_thing' is not defined (own_unnamed.py, line 1). Mend the module.",
        ),
        (
            {"kind": "own_unfinished:f"},
            "'own_unfinished:f' cannot be imported, because 'own_unfinished' fails: SyntaxError: ",
        ),
        (
            {"kind": "own_parts:Shrinks"},
            f"`kind` 'own_parts:Shrinks' {MAP_TO_MAP} took (2, 16, 8, 8) and gave (2, 16, 4, 4).",
        ),
        (
            {"gate": "own_parts:SumsChannels"},
            f"`gate` 'own_parts:SumsChannels' {LOGITS} took (2, 16) and gave (2,).",
        ),
        (
            {"squeeze": "own_parts:total"},
            f"`squeeze` 'own_parts:total' {MAP_TO_SUMMARY} took (2, 16, 8, 8) and gave ().",
        ),
        (
            {"squeeze": "own_parts:number"},
            f"`squeeze` 'own_parts:number' {MAP_TO_SUMMARY} took (2, 16, 8, 8) and gave a float.",
        ),
        (
            {"gate": "own_parts:product"},
            f"`gate` 'own_parts:product' {LOGITS} failed on (2, 16): RuntimeError: ",
        ),
        (
            {"gate": "own_parts:two", "gain": "unit"},
            f"`gate` 'own_parts:two' {LOGITS} failed on (1, 16): TypeError: two() missing 1",
        ),
    ],
)
def test_a_mistake_in_ones_own_part_is_named_with_what_is_expected(settings, sentence):
    arm = Attention(reduction=4, **settings)
    with pytest.raises(SettingError, match=re.escape(sentence)):
        cost(Backbone(), arm, image=8, in_channels=1, classes=3)


def test_ones_own_parts_compute_what_they_say():
    x = torch.randn(2, 8, 4, 4)
    block = build_block(Attention(kind="own_parts:Half"), channels=8, base=8, dims=2)
    torch.testing.assert_close(block(x), 0.5 * x)
    made = SqueezeExcite(8, reduction=2, squeeze="own_parts:first", gate="own_parts:Half")
    torch.testing.assert_close(made.gates(x)[0], 0.5 * made.excite(x[:, :, 0, 0]))


def test_ones_own_module_keeps_its_name_and_its_tensors_and_can_be_copied():
    block = build_block(Attention(kind="own_parts:Half"), channels=8, base=8, dims=2)
    assert isinstance(block, load("own_parts:Half"))
    assert (type(block).__name__, list(block.state_dict())) == ("Half", ["weight"])
    other = copy.deepcopy(block)
    with torch.no_grad():
        nn.init.ones_(other.weight)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(other(x), x)
    assert torch.equal(block(x), 0.5 * x)


def test_an_own_part_may_keep_a_tensor_that_is_neither_parameter_nor_buffer():
    arm = Attention(reduction=4, gate="own_parts:Keeps")
    assert cost(Backbone(), arm, image=8, in_channels=1, classes=10).params > 0


def test_what_the_machine_does_wrong_is_not_called_a_setting():
    gate = SqueezeExcite(8, reduction=2, gate="own_parts:product").gate
    with pytest.raises(RuntimeError) as raised:
        gate(torch.randn(2, 8))
    assert not isinstance(raised.value, SettingError)


def test_a_block_without_reset_parameters_is_drawn_from_the_stream_of_its_name() -> None:
    def drawn(seed: int, **backbone: int) -> dict[str, torch.Tensor]:
        made = AttentionClassifier(
            in_channels=1, classes=2, kind="own_parts:Attends", seed=seed, backbone=backbone
        )
        named = [*made.network.named_parameters(), *made.network.named_buffers()]
        return {name: tensor.detach() for name, tensor in named if "attention" in name}

    one, again, other = drawn(0), drawn(0), drawn(1)
    assert {"scale", "order"} <= {name.rpartition(".")[2] for name in one}
    assert all(torch.equal(one[name], again[name]) for name in one)
    scales = [name for name in one if name.endswith("scale")]
    assert not any(torch.equal(one[name], other[name]) for name in scales)
    first, second = (one[name] for name in scales[:2])
    assert not torch.equal(first, second)
