import re
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.streams import initialise
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.hooks import attached_modules
from ablations.subjects.attention.attach.state import attention_parameters
from ablations.subjects.attention.blocks.own import BLOCK
from ablations.subjects.attention.settings import choices
from ablations.subjects.attention.settings.groups import Attention

NORMS = "encoder.*.norm2"
WIDENINGS = ("widen_params", "widen_macs")
SETTINGS = [
    *({"kind": kind} for kind in get_args(choices.Kind)),
    *({"control": c} for c in get_args(choices.Control) if c not in WIDENINGS),
    *({"squeeze": squeeze} for squeeze in get_args(choices.Squeeze)),
    *({"excitation": e} for e in get_args(choices.Excitation)),
    *({"gate": gate} for gate in get_args(choices.Gate)),
    *({"norm": norm} for norm in get_args(choices.Norm)),
    *({"bias": bias} for bias in get_args(choices.Bias)),
    *({"reduction_base": base} for base in get_args(choices.Base)),
    *({"kind": "gather_excite", "extent": 2, "gather": how} for how in get_args(choices.Gather)),
    {"kind": "gather_excite", "gather": "depthwise"},
    {"rounding": "divisible", "reduction": 3, "divisor": 4},
    {"init": "open", "bias": True},
    {"init": "zero"},
    {"hidden": 3},
    {"ratio": 0.5},
    {"affine": True},
    {"residual": True},
    {"gain": "unit"},
    {"excitation": "eca", "eca_kernel": 3, "eca_circular": True, "eca_permuted": True},
]


def put(network: nn.Module, x: Tensor, at=NORMS, *, seed: int | None = 0, **fields):
    if not fields.keys() & {"ratio", "hidden", "reduction"}:
        fields["reduction"] = 4
    return attach(network, at=at, attention=Attention(**fields), example=x, seed=seed)


def step(network: nn.Module, x: Tensor) -> None:
    F.cross_entropy(network.train()(x), torch.arange(len(x)) % 4).backward()


@pytest.mark.parametrize("at", ["encoder.*.conv2", "tokens"])
@pytest.mark.parametrize("fields", SETTINGS, ids=str)
def test_every_setting_trains_on_maps_and_on_tokens(fields, at, host, x):
    if fields.get("squeeze") == "gem":
        at = {"tokens": "positive"}.get(at, "rest")
    attached = put(host, x, at, **fields)
    assert len(attached.sites) == len(attached_modules(host)) == (2 if "conv" in at else 1)
    step(host, x)
    for name, parameter in attention_parameters(host).items():
        frozen = fields.get("control") == "frozen"
        assert (parameter.grad is None) == frozen, name
        assert frozen or torch.isfinite(parameter.grad).all(), name
    assert all(p.grad is not None for n, p in host.named_parameters() if "channel_att" not in n)


def test_the_module_gives_what_its_attention_makes_of_it(host, x):
    seen = []
    host.encoder[1].norm2.register_forward_hook(lambda m, a, y: seen.append(y.detach()))
    host.eval()(x)
    put(host, x)
    host.encoder[1].norm2.register_forward_hook(lambda m, a, y: seen.append(y.detach()))
    host(x)
    with torch.no_grad():
        first, _, gated = seen[0], *seen[-2:]
        again = host.encoder[1].norm2.channel_attention(seen[-2])
    assert gated.shape == first.shape
    assert torch.equal(gated, again)
    assert not torch.equal(gated, seen[-2])


def test_the_reduction_divides_what_it_is_said_to_divide(host, x):
    for base, expected in (("own", 4), ("block_input", 2), ("block_output", 4)):
        network = type(host)()
        put(network, x, "encoder.1.conv1", reduction_base=base)
        assert network.encoder[1].conv1.channel_attention.hidden == expected
    network = type(host)()
    put(network, x, "encoder.1.conv1", placement="pre", reduction_base="block_output")
    block = network.encoder[1].conv1.channel_attention
    assert (block.channels, block.hidden) == (8, 4)


def test_before_a_module_only_the_module_sees_the_gate(host, x):
    host.eval()
    before = host.encoder[1].conv1(host.encoder[0](x))
    taken = []
    put(host, x, "encoder.1.conv1", placement="pre")
    conv = host.encoder[1].conv1
    conv.register_forward_pre_hook(lambda m, args: taken.append(args[0]))
    after = conv(host.encoder[0](x))
    gated = conv.channel_attention(host.encoder[0](x))
    torch.testing.assert_close(taken[0], gated)
    assert not torch.allclose(after, before)


class ByName(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, *, image: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.conv(input=image)


def test_a_module_may_be_called_by_name_and_the_network_by_a_mapping(x):
    network = ByName()
    before = network(image=x)
    put(network, {"image": x}, "conv", placement="pre", hidden=2)
    y, gated = network(image=x), network.conv.channel_attention(x)
    torch.testing.assert_close(y, F.conv2d(gated, network.conv.weight, network.conv.bias))  # fmt: skip
    assert not torch.allclose(y, before)


def test_without_attention_nothing_is_put_but_the_match_is_checked(host, x):
    names = list(dict(host.named_modules()))
    assert put(host, x, placement="none").sites == ()
    assert list(dict(host.named_modules())) == names
    with pytest.raises(SettingError, match=r"'encoder\.\*\.norm3' matches none of 23"):
        put(host, x, "encoder.*.norm3", placement="none")


def test_a_sequence_is_gated_after_its_last_module(host, x):
    host.eval()
    plain = host.rest(torch.ones(2, 16, 3, 3))
    put(host, x, "rest", control="constant")
    assert torch.equal(host.rest(torch.ones(2, 16, 3, 3)), 0.5 * plain)
    assert list(attached_modules(host)) == ["rest.2"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_attention_computes_in_the_hosts_type(dtype, host, x):
    put(host.to(dtype), x.to(dtype))
    assert {p.dtype for p in attention_parameters(host).values()} == {dtype}
    assert host(x.to(dtype)).dtype == dtype


def test_attention_follows_the_mode_of_its_module(host, x):
    host.eval()
    put(host, x, norm="batch")
    assert not any(module.training for module in host.modules())
    host.train()
    assert all(module.training for module in host.modules())


# What the seed does.


def starts(network: nn.Module, x: Tensor, **options) -> dict[str, Tensor]:
    put(network, x, **options)
    return {name: p.detach() for name, p in attention_parameters(network).items()}


def test_the_seed_makes_the_attention_and_touches_nothing_else(host, x):
    tensors = {name: p.clone() for name, p in host.state_dict().items()}
    random = torch.get_rng_state()
    first = starts(host, x, seed=1)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(host.state_dict()[name], p) for name, p in tensors.items())
    again, other = starts(type(host)(), x, seed=1), starts(type(host)(), x, seed=2)
    assert all(torch.equal(p, again[name]) for name, p in first.items())
    assert not any(torch.equal(p, other[name]) for name, p in first.items())


def test_each_site_draws_from_a_stream_of_its_own_name(host, x):
    both = starts(host, x, at=["unit.conv", "rest"])
    one = starts(type(host)(), x, at="rest")
    name = "rest.2.channel_attention.excite.reduce.weight"
    assert torch.equal(both[name], one[name])
    assert not torch.equal(both[name], both["unit.conv.channel_attention.excite.reduce.weight"])


def test_the_streams_are_those_of_the_whole_network(host, x):
    first = starts(host, x, seed=5)
    initialise(host, seed=5)
    assert all(torch.equal(p, first[name]) for name, p in attention_parameters(host).items())


def test_without_a_seed_torchs_own_decides(host, x):
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        torch.rand(seed)
        found.append(next(iter(starts(type(host)(), x, seed=None).values())))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


# What is refused.


def refused(network: nn.Module, x, at, message: str, **fields) -> None:
    before = {name: type(m) for name, m in network.named_modules()}
    with pytest.raises(SettingError, match=re.escape(message)):
        put(network, x, at, **fields)
    assert {name: type(m) for name, m in network.named_modules()} == before
    assert not attached_modules(network)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"placement": "inner"},
            "`placement='inner'` is after a unit's first 3x3 convolution, which only the match can name: match that "
            "convolution, with `placement='standard'`.",
        ),
        (
            {"stages": "1,2"},
            "`stages` counts the units of a built-in network, but got '1,2' for one of yours: say which modules by "
            "`at`.",
        ),
        ({"blocks": "last"}, "`blocks` counts the units of a built-in network, but got 'last'"),
        (
            {"order": "after"},
            "`order` is before or after a unit's activation, which only the match can name, but got 'after': match "
            "the activation itself.",
        ),
        (
            {"control": "widen_params"},
            "`control='widen_params'` widens a built-in network, and no other: widen yours by its own settings, and "
            "compare parameters (`sites` has the attention's).",
        ),
        (
            {"reduction": 3},
            "At `encoder.0.norm2`: `channels / reduction` must be whole, but got 8 channels with reduction=3, which is "
            "2.66667. Choose one that divides 8, or name a `rounding` ('floor', 'round', 'ceil', 'divisible').",
        ),
        (
            {"squeeze": "gem"},
            "needs a map that is nowhere negative, but it has -",
        ),
        ({"excitation": "eca", "eca_kernel": 17}, "At `encoder.0.norm2`: `eca_kernel <= channels`"),
        ({"kind": "nowhere:Block"}, "'nowhere:Block' cannot be imported"),
    ],
)  # fmt: skip
def test_settings_that_the_match_replaces_or_the_map_forbids_are_refused(fields, message, host, x):
    refused(host, x, NORMS, message, **fields)


def test_what_fails_only_with_numbers_is_found_before_anything_trains(host, x):
    refused(
        host,
        x[:1],
        NORMS,
        "a shuffled gate needs another image in the batch, but the batch has 1.",
        control="shuffled",
    )
    # At the last step of 1x1 maps there is no deviation.
    narrow = nn.Sequential(nn.Conv2d(3, 8, 8))
    refused(narrow, x, "0", "a standard deviation needs more than one position", squeeze="std")


class Odd(nn.Module):
    """Modules that give no map, or run not once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.never = nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1)
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.long = nn.LSTM(4, 8)
        self.flat, self.fc, self.argmax = nn.Flatten(), nn.Linear(256, 2), Largest()
        self.windows = Windows()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv(x))
        y, _ = self.lstm(self.relu(x).flatten(2).transpose(1, 2))
        self.argmax(y)
        self.windows(y)
        return self.fc(self.flat(x))


class Largest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.argmax(2, keepdim=True)


class Windows(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (8, 8)).flatten(0, 1)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (
            "relu",
            "`relu` (ReLU): runs 2 times in one pass, so one attention would see 2 maps; make a module for each, or "
            "match another.",
        ),
        (
            "never",
            "`at` must match modules with a map (n, channels, ...) or tokens (n, tokens, channels), but matches only "
            "others: `never` (Conv2d): does not run when the example passes in evaluation mode; match a module that "
            "does.",
        ),
        (
            "lstm",
            "`lstm` (LSTM): gives a tuple of 2: (4, 64, 8), a tuple of 2: (1, 4, 8), (1, 4, 8), not one map; match a "
            "module inside it, or beside it, that gives a tensor.",
        ),
        ("fc", "`fc` (Linear): gives (4, 2), which has no positions to pool over"),
        (
            ["fc", "flat", "conv"],
            "attention with placement='standard' fits 1 of the 3 modules that `at` matches; it does not fit: `flat` "
            "(Flatten): gives (4, 256), which has no positions to pool over; match a module before the pooling; `fc` "
            "(Linear): gives (4, 2)",
        ),
        ("argmax", "`argmax` (Largest): gives (4, 64, 1) of torch.int64, not numbers that can be gated."),
        (
            "windows",
            "`windows` (Windows): gives (32, 8, 8), whose first dimension is not the batch of 4; match a module whose "
            "maps are (n, channels, ...) or (n, tokens, channels).",
        ),
    ],
)  # fmt: skip
def test_a_module_without_one_map_is_refused(at, message, x):
    refused(Odd(), x, at, message)


class RunsChildren(nn.Module):
    """Runs whatever children it has."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        for child in self.children():
            x = child(x)
        return x


class DropsTheLast(RunsChildren):
    def forward(self, x: Tensor) -> Tensor:
        for child in list(self.children())[:-1]:
            x = child(x)
        return x


def test_a_host_that_runs_its_children_would_run_the_attention_too(x):
    refused(
        nn.Sequential(RunsChildren()),
        x,
        "0",
        "the attention of `0` must run once in a pass, but runs 2 times: the host runs the children of that module "
        "itself. Match a module inside it.",
    )  # fmt: skip
    refused(
        nn.Sequential(DropsTheLast()),
        x,
        "0",
        "the host must run as before, but with a further child in a module `0.b` runs 1 times and not 0: the host "
        "counts children. Match other modules.",
    )  # fmt: skip


class Adds(nn.ModuleDict):
    """A dict of modules that are run one after the other, on a list of maps."""

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for step in self.values():
            maps.append(step(maps))
        return maps[-1]


class Last(nn.Module):
    def forward(self, maps: list[Tensor]) -> Tensor:
        return maps[-1].relu()


def test_a_host_that_fails_with_a_further_child_says_why(x):
    network = nn.Sequential(nn.Conv2d(3, 8, 1), Adds({"a": Last(), "b": Last()}))
    refused(
        network,
        x,
        "1",
        "the network runs alone, but with attention it fails: AttributeError: 'list' object has no attribute",
    )


def test_attaching_twice_to_a_module_is_refused_and_to_another_is_not(host, x):
    put(host, x)
    with pytest.raises(
        SettingError,
        match=r"`encoder\.0\.norm2` has attention attached already\. Take it out first \(`detach`\), or match other "
        r"modules\.",
    ):
        put(host, x, "encoder.*.norm?")
    put(host, x, "unit.conv", reduction=8)
    assert [a.channel_attention.hidden for a in attached_modules(host).values()] == [2, 4, 2]


def test_a_name_that_the_host_has_is_left_alone(host, x):
    host.unit.conv.channel_attention = nn.Conv2d(16, 16, 1)
    with pytest.raises(
        SettingError,
        match=r"the attention of `unit\.conv` would be its child `channel_attention`, but the module has one of that "
        r"name\. Rename the module's, or match another\.",
    ):
        put(host, x, "unit.conv")
    assert isinstance(host.unit.conv.channel_attention, nn.Conv2d)


def test_a_hook_that_is_lost_is_found(host, x):
    attached = put(host, x)
    attached.check()
    attached_to = nn.SyncBatchNorm.convert_sync_batchnorm(host)
    assert attached_to is host
    with pytest.raises(
        SettingError,
        match=r"`encoder\.0\.norm2` was replaced after attention was attached to it, so its attention would not run\. "
        r"Attach after whatever replaces modules \(convert_sync_batchnorm, fusing, quantising\)\.",
    ):
        attached.check()


def test_a_users_own_block_is_attached(host, x, tmp_path, monkeypatch):
    (tmp_path / "own_attention_block.py").write_text(
        "from torch import nn\n"
        "class Halve(nn.Module):\n"
        "    def __init__(self, channels): super().__init__()\n"
        "    def forward(self, x, mask=None): return x / 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert BLOCK.setting == "kind"
    plain = host.eval().tokens(torch.ones(1, 5, 16))
    put(host, x, "tokens", kind="own_attention_block:Halve")
    assert torch.equal(host.tokens(torch.ones(1, 5, 16)), plain / 2)


def test_how_the_example_passes_can_be_said(host, x):
    batch = (x, torch.zeros(4))
    attach(
        host,
        at=NORMS,
        attention=Attention(reduction=4),
        example=batch,
        forward=lambda network, example: network(example[0]),
    )
    assert list(attached_modules(host)) == ["encoder.0.norm2", "encoder.1.norm2"]
