"""Every exact claim of the bundled file, and that a function says no where the code is broken."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from ablations import Finding
from ablations.cli.claim_answers import BUNDLED, find_claims
from ablations.import_path import load
from ablations.subjects.attention.blocks.gates import GATES
from ablations.subjects.attention.claims import costs, definitions, gates, hosts, planted
from ablations.subjects.attention.placing.own_attention import own_attention
from ablations.subjects.attention.settings.groups import Attention, Data
from analysis.claims.claims import Claim, load_claims

LOOSE = {
    "A4",
    "A7",
    "A8",
    "A11",
    "A13",
    "A15",
    "A16",
    "A18",
    "A19",
    "A20",
    "A21",
    "A24",
    "A25",
    "A27",
    "B18",
}
FALSE = {"A9", "A26"}


@cache
def claims() -> dict[str, Claim]:
    return {claim.id: claim for claim in load_claims(find_claims("attention")).claims}


@cache
def computed(name: str) -> Finding:
    found: Finding = load(claims()[name].exact)()
    return found


def exact() -> list[str]:
    return [name for name, claim in claims().items() if claim.exact]


def test_every_statement_of_the_introductions_is_a_claim() -> None:
    wanted = {f"A{i}" for i in range(1, 31)} | {f"B{i}" for i in range(1, 23)}
    assert wanted <= claims().keys()
    assert len(exact()) == 34
    assert find_claims("attention").parent.parts[-2:] == tuple(BUNDLED.split("."))


@pytest.mark.parametrize("name", exact())
def test_a_claim_is_computed(name: str) -> None:
    found = computed(name)
    assert found.agrees == (name not in FALSE)
    assert bool(found.only_where) == (name in LOOSE)


def test_the_numbers_are_those_of_the_literature() -> None:
    assert computed("A3").number == pytest.approx(0.731059, abs=1e-6)
    assert computed("A18").number == pytest.approx(1.6629, abs=1e-3)
    assert computed("A4").number == 2_514_944
    assert computed("B14").number == 86
    assert computed("A23").number == pytest.approx(4.269, abs=1e-3)


def always_one(v: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(v)


def with_relu(name: str) -> Attention:
    return own_attention(name).model_copy(update={"activation": "relu"})


@pytest.mark.parametrize(
    ("path", "value", "function"),
    [
        ("definitions.make_squeeze", lambda name, **_: lambda x: x.flatten(2).amax(2), definitions.squeeze_is_the_mean),
        ("costs.hidden_width", lambda a, c: c // 3 if a.ratio else c // 2, costs.ratio_is_the_inverse),
        ("costs.own_attention", with_relu, costs.efficientnet_ratio),
        ("definitions.torch.sigmoid", always_one, definitions.excitation_has_its_shapes),
    ],
)  # fmt: skip
def test_a_function_says_no_where_the_code_is_broken(
    path: str, value: object, function: Callable[[], Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"ablations.subjects.attention.claims.{path}", value)
    assert not function().agrees


def test_a_gate_that_grows_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    other = GATES["two_sigmoid"]
    monkeypatch.setitem(GATES, "sigmoid", other)
    assert not gates.sigmoid_attenuates().agrees
    assert not gates.one_plus_tanh_range().agrees


def test_the_exact_claims_move_no_random_state() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    definitions.dense_is_pointwise()
    gates.relu_is_hard()
    hosts.any_network()
    assert torch.equal(before, torch.get_rng_state())


def test_a_scene_has_its_class_upper_left(tmp_path: Path) -> None:
    x, y = planted.scenes(Data(name="digits"))
    again, _ = planted.scenes(Data(name="digits"))
    other, _ = planted.scenes(Data(name="digits", split_seed=1))
    digits = torch.tensor(x[:, 0, :8, :8])
    assert x.shape == (1797, 1, 16, 16)
    assert (x == again).all()
    assert (other[:, :, :8, :8] == x[:, :, :8, :8]).all()
    assert (other != x).any()
    assert digits.flatten(1).unique(dim=0).shape[0] > 1790
    assert y.shape == (1797,)


@pytest.mark.parametrize(
    ("train", "worse", "better", "margin"),
    [
        (planted.train_coded, {"coding": "peak", "squeeze": "avg"}, {"coding": "peak", "squeeze": "max"}, 0.2),
        (planted.train_coded, {"coding": "mean", "squeeze": "max"}, {"coding": "mean", "squeeze": "avg"}, 0.1),
        (planted.train_pairs, {"excitation": "linear_bottleneck"}, {"excitation": "bottleneck"}, 0.2),
        (planted.train_pairs, {"excitation": "eca"}, {"excitation": "bottleneck"}, 0.2),
    ],
)  # fmt: skip
def test_a_planted_truth_is_recovered(
    train: Callable[..., float], worse: object, better: object, margin: float
) -> None:
    assert train(worse, 11) > train(better, 11) + margin


def test_gates_of_informative_channels_rise_above_those_of_noise() -> None:
    informative, noise = (planted.train_gates({"group": g}, 11) for g in ("informative", "noise"))
    assert informative > noise + 0.2
    assert planted.train_gates({"group": "noise"}, 11) == noise
    assert planted.train_gates({"group": "noise"}, 12) != noise
