"""What happens to networks between building and training: copies, pickles, compilers, exporters, processes."""

import copy
import io
import json
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.detach import detach
from ablations.subjects.attention.attach.state import attention_parameters
from ablations.subjects.attention.settings.groups import Attention

PLACES = [
    ("encoder.*.norm2", "standard"),
    ("tokens", "standard"),
    ("encoder.1.conv1", "pre"),
    ("unit", "identity"),
]


@pytest.fixture(params=PLACES, ids=str)
def attended(request, host, x):
    """The host with attention that does something, and the same host without."""
    at, placement = request.param
    bare = copy.deepcopy(host).eval()
    settings = Attention(reduction=4, placement=placement, bias=True, gate="one_plus_tanh")
    attach(host, at=at, attention=settings, example=x, seed=0)
    with torch.no_grad():
        for parameter in attention_parameters(host).values():
            parameter.add_(0.3)
    assert not torch.allclose(host.eval()(x), bare(x))
    return host


def doubled(network: nn.Module) -> None:
    with torch.no_grad():
        for parameter in attention_parameters(network).values():
            parameter.mul_(2)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_runs_its_own_attention(copied, attended, x):
    other = copied(attended)
    y = attended(x)
    assert torch.equal(other(x), y)
    doubled(other)
    assert torch.equal(attended(x), y)
    assert not torch.equal(other(x), y)
    detach(other)
    assert torch.equal(attended(x), y)


def test_a_whole_network_is_saved_and_loaded(attended, x):
    file = io.BytesIO()
    torch.save(attended, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), attended(x))


def test_a_part_that_is_copied_keeps_its_attention(host, x):
    attach(host, at="unit.conv", attention=Attention(reduction=4), example=x)
    unit = copy.deepcopy(host.unit)
    images = torch.randn(2, 16, 5, 5)
    assert torch.equal(unit(images), host.unit(images))
    assert "conv.channel_attention.excite.reduce.weight" in unit.state_dict()


@pytest.mark.parametrize("attended", [PLACES[0], PLACES[3]], indirect=True, ids=str)
def test_compiled_whole_it_is_equal_and_learns(attended, x):
    compiled = torch.compile(attended, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), attended(x))
    attended.dropout.p = 0
    gradients = []
    for network in (attended, compiled):
        attended.train().zero_grad()
        F.cross_entropy(network(x), torch.arange(4)).backward()
        gradients.append({n: p.grad.clone() for n, p in attended.named_parameters()})
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize(
    ("attended", "strict"),
    [(PLACES[0], True), *((place, False) for place in PLACES)],
    indirect=["attended"],
    ids=str,
)
def test_exported_it_is_equal_for_other_batches_too(strict, attended, x):
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(attended, (x,), dynamic_shapes=({0: batch},), strict=strict)
    more = torch.randn(7, *x.shape[1:])
    torch.testing.assert_close(program.module()(more), attended(more))
    assert set(attention_parameters(attended)) <= set(program.state_dict)


@pytest.mark.filterwarnings("ignore:`torch.jit.trace` is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:`torch.jit.trace_method` is deprecated:DeprecationWarning")
def test_traced_by_torchscript_it_is_equal_and_learns(attended, x):
    large = torch.randn(4, 3, 64, 64)
    traced = torch.jit.trace(attended, large)
    more = torch.randn(3, 3, 64, 64)
    torch.testing.assert_close(traced(more), attended(more))
    traced(more).sum().backward()
    names = {n for n, p in traced.named_parameters() if p.grad is not None}
    assert set(attention_parameters(attended)) <= names


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_torchscript_cannot_compile_it_and_says_why(host, x):
    network = nn.Sequential(nn.Conv2d(3, 8, 1))
    attach(network, at="0", attention=Attention(control="static"), example=x)
    with pytest.raises(
        AttributeError,
        match=r"torch\.jit\.script cannot compile the hook that runs attention\. Export by `torch\.export`, or "
        r"trace by `torch\.jit\.trace`\.",
    ):
        torch.jit.script(network)


class Body(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)

    def forward(self, x):
        return self.conv(x)


@pytest.mark.parametrize("placement", ["standard", "pre"])
def test_torch_fx_keeps_it_at_torchs_layers_and_refuses_elsewhere(placement, x):
    settings = Attention(hidden=2, placement=placement)
    network = nn.Sequential(Body())
    attach(network, at="0.conv", attention=settings, example=x, seed=0)
    graph = torch.fx.symbolic_trace(network)
    assert torch.equal(graph(x), network(x))
    assert len(attention_parameters(graph)) == 2
    network = nn.Sequential(Body())
    layout = {"layout": "channels_first"} if placement == "pre" else {}
    attach(network, at="0", attention=settings, example=x, seed=0, **layout)
    with pytest.raises(
        TypeError,
        match=r"torch\.fx records no hooks, so a traced network would lose its attention\. Trace by `torch\.export`, "
        r"or take the attention out first \(`detach`\)\.",
    ):
        torch.fx.symbolic_trace(network)


def test_in_mixed_precision_it_runs_and_gradients_reach_both(attended, x):
    with torch.autocast("cpu", torch.bfloat16):
        y = attended.train()(x)
    assert y.dtype == torch.bfloat16
    F.cross_entropy(y.float(), torch.arange(4)).backward()
    assert all(p.grad is not None and p.dtype == torch.float32 for p in attended.parameters())


def test_training_goes_down_and_moves_host_and_attention(attended, x):
    before = {name: p.detach().clone() for name, p in attended.named_parameters()}
    attended.train().dropout.p = 0
    optimiser = torch.optim.SGD(attended.parameters(), lr=0.02)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = F.cross_entropy(attended(x), torch.arange(4))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    moved = {name for name, p in attended.named_parameters() if not torch.equal(p, before[name])}
    # A bias before batch norm changes nothing but its rounding.
    still = {name for name in before if name not in moved and "conv" not in name}
    assert not still


def test_parameters_move_with_the_network(host, x):
    attach(host, at="unit.conv", attention=Attention(reduction=4), example=x)
    assert {p.dtype for p in attention_parameters(host.half()).values()} == {torch.float16}
    assert {p.device.type for p in attention_parameters(host.to("meta")).values()} == {"meta"}


PROCESSES = """
import json, os, sys, torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.state import attention_parameters
from ablations.subjects.attention.settings.groups import Attention

torch.set_num_threads(1)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 4)
    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))

def net():
    torch.manual_seed(0)
    network = Net()
    attach(network, at="conv", attention=Attention(hidden=4, bias=True), example=torch.zeros(2, 3, 6, 6), seed=0)
    return network

torch.manual_seed(7)
x, y = torch.randn(8, 3, 6, 6), torch.arange(8) % 4

def gradients(network, x, y):
    F.cross_entropy(network(x), y).backward()
    return {n.removeprefix("module."): p.grad for n, p in network.named_parameters()}

def work(rank, port, out):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    found = gradients(DistributedDataParallel(net()), x[rank::2], y[rank::2])
    if rank == 0:
        torch.save(found, out)
    dist.barrier()
    # Gloo's threads may outlive the interpreter's end, which then aborts the process.
    os._exit(0)

if __name__ == "__main__":
    port, out = sys.argv[1:]
    torch.multiprocessing.spawn(work, (port, out), nprocs=2)
    shared, alone = torch.load(out), gradients(net(), x, y)
    torch.testing.assert_close(shared, alone)
    print(json.dumps([sorted(attention_parameters(net())), len(shared)]))
"""


@pytest.mark.integration
def test_two_processes_share_the_attentions_gradients(tmp_path, free_port):
    (tmp_path / "processes.py").write_text(PROCESSES)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "processes.py"), str(free_port), str(tmp_path / "out.pt")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    names, count = json.loads(done.stdout.splitlines()[-1])
    assert len(names) == 4
    assert count == 8
