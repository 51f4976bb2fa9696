import copy
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from ablations.errors import SettingError
from ablations.subjects.lightning.pairing import draws
from ablations.subjects.lightning.pairing.construct import construct
from ablations.subjects.lightning.pairing.shared import shared


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)


class Recurrent(nn.Module):
    """A CNN with an LSTM, each initialised in a way of its own."""

    def __init__(self, *, attention: bool) -> None:
        super().__init__()
        inserted = [SqueezeExcite(8)] if attention else []
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3), *inserted, nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3)
        )
        self.memory = nn.LSTM(8, 8, num_layers=2)
        self.head = nn.Linear(8, 3)
        self.register_buffer("noise", torch.rand(5))
        self.features.apply(_kaiming)
        nn.init.orthogonal_(self.memory.weight_hh_l0)
        nn.init.trunc_normal_(self.head.weight, std=0.02)


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)


class Translator(nn.Module):
    """Clones of a layer, a class token, weight norm, and an adapter or none."""

    def __init__(self, *, attention: bool) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.adapter = nn.Linear(8, 8) if attention else nn.Identity()
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.memory = nn.LSTM(8, 8)
        self.mixed = parametrizations.weight_norm(nn.Linear(8, 8))
        self.token = nn.Parameter(torch.randn(1, 1, 8) * 0.02)


class UNet(nn.Module):
    def __init__(self, *, attention: bool) -> None:
        super().__init__()
        self.down = nn.ModuleList(_double(a, b, attention) for a, b in ((1, 8), (8, 16), (16, 32)))
        self.up = nn.ModuleList(_double(a, b, attention) for a, b in ((48, 16), (24, 8)))
        self.head = nn.Conv2d(8, 1, 1)


def _double(a: int, b: int, attention: bool) -> nn.Sequential:
    convolutions = [nn.Conv2d(a, b, 3), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3)]
    return nn.Sequential(*convolutions, *([SqueezeExcite(b)] if attention else []))


class Odd(nn.Module):
    """Tied, copied, viewed, normalised, permuted, shared, and read from elsewhere."""

    def __init__(self, *, attention: bool) -> None:
        super().__init__()
        if attention:
            self.attention = nn.Linear(4, 4)
        self.embed, self.out = nn.Embedding(6, 4), nn.Linear(4, 6)
        self.out.weight = self.embed.weight
        self.teacher = copy.deepcopy(self.out)
        flat = torch.randn(20)
        self.left, self.right = nn.Parameter(flat[:8].view(2, 4)), nn.Parameter(flat[8:].clone())
        self.register_buffer("order", torch.randperm(7))
        self.normed = parametrizations.spectral_norm(nn.Linear(4, 4))
        self.pretrained = nn.Linear(2, 2)
        self.pretrained.load_state_dict({"weight": torch.eye(2), "bias": torch.arange(2.0)})


@pytest.mark.parametrize("network", [Recurrent, Translator, UNet, Odd])
def test_every_tensor_that_two_arms_share_starts_equal(network: Callable[..., nn.Module]) -> None:
    without = construct(lambda: network(attention=False), seed=3)
    with_it = construct(lambda: network(attention=True), seed=3)
    compared = shared(without.module, with_it.module)
    assert compared.unequal == compared.reshaped == compared.only_first == ()
    assert len(compared.only_second) in (2, 4, 20)
    assert without.problems == with_it.problems == ()


@pytest.mark.parametrize("network", [Recurrent, Translator, UNet, Odd])
def test_a_draw_that_waits_leads_to_the_same_numbers(
    network: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    for least in (1, 2**40):
        monkeypatch.setattr(draws, "WORTH_WAITING", least)
        built.append(construct(lambda: network(attention=True), seed=3))
    assert shared(built[0].module, built[1].module).unequal == ()
    assert built[0].tensors == built[1].tensors


def test_what_nothing_reads_is_drawn_once_for_two_constructions() -> None:
    made: list[nn.Module] = []

    def make() -> nn.Module:
        module = nn.Module()
        module.weight = nn.Parameter(torch.zeros(200, 200))
        nn.init.normal_(module.weight)
        made.append(module)
        return module

    assert construct(make, seed=0).module is made[1]
    assert not made[0].weight.any()
    assert made[1].weight.std() > 0.9


def test_a_number_that_is_read_around_torch_is_drawn_before() -> None:
    def make() -> nn.Module:
        module = nn.Module()
        module.weight = nn.Parameter(torch.zeros(200, 200))
        nn.init.normal_(module.weight)
        module.register_buffer(
            "inverse", torch.from_numpy(np.linalg.inv(module.weight.data.numpy()))
        )
        return module

    module = construct(make, seed=0).module
    assert torch.allclose(module.weight @ module.inverse, torch.eye(200), atol=1e-2)


def scaled(weight: torch.Tensor) -> None:
    weight.normal_().mul_(0.1)
    assert weight.std() < 0.2


def in_halves(weight: torch.Tensor) -> None:
    top, bottom = weight[:100], weight[100:]
    top.normal_()
    bottom.normal_(mean=5.0)


def emptied(weight: torch.Tensor) -> None:
    weight.normal_()
    torch.zeros(weight.shape, out=weight)


@pytest.mark.parametrize(
    ("fill", "means", "deviation"),
    [(scaled, (0.0, 0.0), 0.1), (in_halves, (0.0, 5.0), 1.0), (emptied, (0.0, 0.0), 0.0)],
)
def test_what_waits_is_drawn_once_in_its_order_and_before_it_is_written_over(
    fill: Callable[[torch.Tensor], None], means: tuple[float, float], deviation: float
) -> None:
    calls = []

    def make() -> nn.Module:
        calls.append(1)
        assert len(calls) == 1  # so that what waited is the module's
        module = nn.Linear(200, 200)
        with torch.no_grad():
            fill(module.weight)
            module.weight.sum()
        return module

    weight = construct(make, seed=0).module.weight
    for half, mean in zip((weight[:100], weight[100:]), means, strict=True):
        assert half.mean().item() == pytest.approx(mean, abs=0.05)
        assert half.std().item() == pytest.approx(deviation, rel=0.05)


def by_chance() -> int:
    """Draws by chances that are overwritten before what they gave is read."""
    chance = torch.ones(200, 200)
    kept = torch.zeros(200, 200).bernoulli_(chance)
    chance.zero_()
    return 1 + int(kept.sum() > 0)


def by_an_own_generator() -> int:
    own = torch.Generator().manual_seed(5)
    torch.zeros(200, 200).normal_(generator=own)
    return 1 + int(torch.randint(1000, (1,), generator=own))


def by_what_is_drawn_anew() -> int:
    return 1 + int(torch.rand(200, 200).sum() > 0)


@pytest.mark.parametrize("width", [by_chance, by_an_own_generator, by_what_is_drawn_anew])
def test_a_constructor_that_goes_by_what_it_drew_does_the_same_twice(
    width: Callable[[], int],
) -> None:
    calls = []

    def make() -> nn.Module:
        calls.append(1)
        module = nn.Module()
        module.register_buffer("wide", torch.zeros(width()))
        return module

    plain = make().wide
    built = construct(make, seed=0)
    assert (built.module.wide.shape, built.problems, len(calls)) == (plain.shape, (), 3)


def test_manual_seed_does_not_pair_them() -> None:
    torch.manual_seed(3)
    without = Recurrent(attention=False)
    torch.manual_seed(3)
    assert shared(without, Recurrent(attention=True)).unequal


def test_one_seed_repeats_and_another_differs() -> None:
    first, again, other = (
        construct(lambda: Recurrent(attention=True), seed=seed) for seed in (1, 1, 2)
    )
    assert shared(first.module, again.module).unequal == ()
    drawn = {one.name for one in first.tensors if one.source == "drawn"}
    assert set(shared(first.module, other.module).unequal) == drawn


def test_the_users_own_distributions_are_kept() -> None:
    module = construct(lambda: Recurrent(attention=False), seed=0).module
    square = module.memory.weight_hh_l0[:8]
    columns = module.memory.weight_hh_l0.T @ module.memory.weight_hh_l0
    assert torch.allclose(columns, torch.eye(8), atol=1e-5)
    assert not torch.allclose(square, torch.zeros(8, 8))
    assert module.head.weight.std() < 0.04


def test_what_a_tensor_came_from_is_reported() -> None:
    built = construct(lambda: Odd(attention=False), seed=0)
    sources = {one.name: (one.source, one.draws) for one in built.tensors}
    assert sources["embed.weight"] == ("drawn", 1)
    assert sources["teacher.weight"] == ("derived", 0)
    assert sources["left"] == ("drawn", 1)
    assert sources["right"] == ("derived", 0)
    # The linear layer's own weight was drawn before the embedding took its place.
    assert (built.unnamed, built.own) == (1, 0)
    assert sources["pretrained.weight"] == ("drawn", 1)


def test_what_numpy_draws_is_found() -> None:
    def make() -> nn.Module:
        module = nn.Linear(2, 2)
        module.table = nn.Parameter(torch.from_numpy(np.random.randn(3)))  # noqa: NPY002
        return module

    built = construct(make, seed=0)
    assert [one.name for one in built.tensors if one.source == "elsewhere"] == ["table"]
    assert built.problems == (
        "1 tensors (table) are drawn by numpy, `random` or a generator of the constructor's own, so they need not be "
        "equal between arms. Draw them with torch's functions and no generator.",
    )


def test_a_table_is_not_taken_for_a_draw() -> None:
    def make() -> nn.Module:
        module = nn.Module()
        module.register_buffer("positions", torch.sin(torch.arange(9.0)))
        return module

    (table,) = construct(make, seed=0).tensors
    assert table.source == "fixed"


def test_a_numpy_generator_without_a_seed_is_found() -> None:
    def make() -> nn.Module:
        module = nn.Module()
        module.table = nn.Parameter(torch.from_numpy(np.random.default_rng().normal(size=3)))
        return module

    (table,) = construct(make, seed=0).tensors
    assert table.source == "elsewhere"


def test_a_generator_of_the_users_own_is_left_alone_and_said() -> None:
    def make() -> nn.Module:
        module = nn.Module()
        own = torch.Generator().manual_seed(5)
        module.token = nn.Parameter(torch.randn(3, generator=own))
        return module

    built = construct(make, seed=0)
    assert torch.equal(
        built.module.token, torch.randn(3, generator=torch.Generator().manual_seed(5))
    )
    assert (built.named, built.own) == (0, 1)
    assert "(token) are drawn by numpy" in built.problems[0]


def test_lazy_modules_are_refused() -> None:
    with pytest.raises(
        SettingError,
        match=r"^`1` is a LazyLinear, whose tensors have no shape before the first batch, so they could be neither "
        r"paired nor counted\. Give its input size \(Linear\), or run a batch through it in the constructor\.$",
    ):
        construct(lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), seed=0)


def test_a_lazy_module_that_the_constructor_filled_is_fine() -> None:
    def make() -> nn.Module:
        module = nn.Sequential(nn.LazyLinear(2))
        module(torch.ones(1, 3))
        return module

    built, again = construct(make, seed=0), construct(make, seed=0)
    assert shared(built.module, again.module).unequal == ()
    assert built.named == 2


def test_a_constructor_that_returns_no_module_is_refused() -> None:
    with pytest.raises(SettingError, match=r"must return an `nn\.Module`, but it returned None\.$"):
        construct(lambda: None, seed=0)  # type: ignore[arg-type, return-value]


def test_a_constructor_that_differs_from_call_to_call_is_said() -> None:
    calls = iter(range(9))
    built = construct(lambda: nn.ModuleList(nn.Linear(2, 2) for _ in range(next(calls))), seed=0)
    assert built.problems[0].startswith(
        "the constructor differs from call to call: 0 random operations in the first, 2 in the second"
    )


def test_a_constructor_that_works_once_is_said_and_its_module_used() -> None:
    calls = []

    def make() -> nn.Module:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("registered already")
        module = nn.Linear(200, 200)
        nn.init.zeros_(module.weight)
        nn.init.normal_(module.weight)
        return module

    built = construct(make, seed=0)
    assert 0.9 < built.module.weight.std() < 1.1
    assert built.problems[0].startswith(
        "the constructor works once but not twice: RuntimeError: registered already"
    )


def test_a_constructor_that_seeds_is_said() -> None:
    def make() -> nn.Module:
        torch.manual_seed(0)
        return nn.Linear(2, 2)

    (problem,) = construct(make, seed=1).problems
    assert problem.startswith("the constructor sets torch's seed itself")


def test_the_shared_random_states_are_left_as_they_were() -> None:
    torch.manual_seed(0), np.random.seed(0), random.seed(0)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].sum(), random.getstate()  # noqa: NPY002
    construct(lambda: Recurrent(attention=True), seed=0)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].sum() == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]


def test_shared_counts_what_differs() -> None:
    first, second = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    second[0].weight = first[0].weight
    compared = shared(first, second)
    assert (compared.equal, compared.unequal) == (("Linear#0.weight",), ("Linear#0.bias",))
    assert str(compared) == "1 of 2 shared tensors equal; 2 in one arm only"
