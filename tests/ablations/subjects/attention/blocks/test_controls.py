import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.blocks.controls import batch_mean, shuffled
from ablations.subjects.attention.settings.groups import Attention


def test_a_shuffled_gate_is_always_another_images_and_each_is_used_once():
    for n in range(2, 40):
        g = torch.arange(n, dtype=torch.float32)[:, None]
        given = shuffled(g)[:, 0]
        assert (given != g[:, 0]).all()
        assert sorted(given.tolist()) == g[:, 0].tolist()


def test_a_shuffled_gate_is_the_same_in_training_and_validation_and_draws_nothing():
    block = SqueezeExcite(8, reduction=2, control="shuffled")
    x = torch.randn(6, 8, 3, 3)
    before = torch.random.get_rng_state()
    torch.testing.assert_close(block.train()(x), block.eval()(x))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_shuffled_gate_is_that_of_the_plain_block_for_another_image():
    torch.manual_seed(0)
    plain = SqueezeExcite(8, reduction=2)
    moved = SqueezeExcite(8, reduction=2, control="shuffled")
    moved.load_state_dict(plain.state_dict())
    x = torch.randn(5, 8, 3, 3)
    own, other = plain.gates(x)[0], moved.gates(x)[0]
    assert {tuple(row) for row in own.tolist()} == {tuple(row) for row in other.tolist()}
    assert not (own == other).all(dim=1).any()


def test_a_single_image_has_no_other_to_take_a_gate_from():
    with pytest.raises(
        SettingError,
        match=r"^a shuffled gate needs another image in the batch, but the batch has 1\. Choose",
    ):
        shuffled(torch.ones(1, 4))


def test_the_batch_mean_gate_is_the_same_for_all_images():
    g = torch.tensor([[0.0, 1.0], [1.0, 3.0]])
    assert batch_mean(g).tolist() == [[0.5, 2.0], [0.5, 2.0]]


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({}, 0.5),
        ({"gate": "one_plus_sigmoid"}, 1.5),
        ({"gain": "unit"}, 1.0),
        ({"residual": True}, 1.5),
        ({"gate": "tanh", "residual": True}, 1.0),
    ],
)
def test_the_constant_gate_is_the_gates_start(settings, factor):
    block = build_block(Attention(control="constant", **settings), channels=8, base=8, dims=2)
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(block(x), factor * x)
    assert not list(block.parameters())


OPEN = {"init": "open", "opening": 0.9, "bias": True}


@pytest.mark.parametrize("control", ["constant", "static"])
@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({}, 0.9),
        ({"residual": True}, 1.9),
        ({"gain": "unit", "opening": 1.2}, 1.2),
        ({"gate": "relu"}, 0.9),
        ({"gate": "tanh", "temperature": 3.0}, 0.9),
        ({"excitation": "none"}, 0.5),  # which has no bias to open
    ],
)
def test_controls_of_an_open_gate_start_at_the_opening(control, settings, factor):
    arm = Attention(control=control, **{**OPEN, **settings})
    block = build_block(arm, channels=8, base=8, dims=2)
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(block(x), factor * x)


@pytest.mark.parametrize("control", ["constant", "static"])
def test_an_opening_that_the_gate_of_a_control_cannot_reach_is_refused(control):
    arm = Attention(control=control, **{**OPEN, "opening": 1.2})
    with pytest.raises(SettingError, match=r"^`0 < opening < 1` must hold with `gate='sigmoid'`"):
        build_block(arm, channels=8, base=8, dims=2)


def test_the_static_gate_learns_one_gate_per_channel_and_starts_at_the_gates_start():
    block = build_block(Attention(control="static"), channels=4, base=4, dims=2)
    x = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(block(x), 0.5 * x)
    with torch.no_grad():
        block.logit.copy_(torch.tensor([0.0, 1.0, 2.0, -1.0]))
    torch.testing.assert_close(block(x), x * torch.sigmoid(block.logit)[:, None, None])
