"""A graph's class depends neither on how its nodes are numbered nor on the padding of its batch."""

import pytest
import torch

from ablations import Attention, attach
from ablations.subjects.tasks.graphs.digits import INK, nearest, pixel_graph
from ablations.subjects.tasks.graphs.graph import Graph, batch_of
from ablations.subjects.tasks.graphs.network import GraphNetwork

LINEAR = {"reduction": 2, "excitation": "linear_bottleneck"}
"""No hidden unit of it can be dead, so that its gates follow whatever is squeezed."""
KINDS = [
    {"placement": "none"},
    LINEAR,
    {**LINEAR, "squeeze": "max"},
    {**LINEAR, "squeeze": "std"},
    {"kind": "gct"},
    {"reduction": 2, "squeeze": "none"},
]


def drawn(nodes: int, seed: int, label: int = 0) -> Graph:
    rng = torch.Generator().manual_seed(seed)
    place = torch.randn(nodes, 2, generator=rng)
    features = torch.randn(nodes, 3, generator=rng)
    return Graph(nodes_tf=features, edges_e2=nearest(place, k=3), label=label)


def network(**attention: object) -> GraphNetwork:
    torch.manual_seed(0)
    host = GraphNetwork(3, classes=4, width=8, depth=2)
    attach(
        host,
        at="layers.?",
        attention=Attention(**attention),
        example=tuple(batch_of([drawn(9, 0), drawn(5, 1)])[:3]),
        seed=0,
        mask="mask",
    )
    return host.double().eval()


def logits(host: GraphNetwork, *graphs: Graph) -> torch.Tensor:
    h, adjacency, mask, _ = batch_of(graphs)
    with torch.no_grad():
        return host(h.double(), adjacency.double(), mask)


def renumbered(graph: Graph, seed: int) -> Graph:
    order = torch.randperm(len(graph.nodes_tf), generator=torch.Generator().manual_seed(seed))
    place = order.argsort()
    return Graph(nodes_tf=graph.nodes_tf[order], edges_e2=place[graph.edges_e2], label=graph.label)


@pytest.mark.parametrize("attention", KINDS)
def test_numbering_nodes_in_another_way_changes_no_logit(attention: dict[str, object]) -> None:
    host, graph = network(**attention), drawn(11, 2)
    assert not torch.equal(renumbered(graph, 1).nodes_tf, graph.nodes_tf)
    found = logits(host, graph, renumbered(graph, 1), renumbered(graph, 2))
    torch.testing.assert_close(found[1:], found[:1].expand(2, -1), atol=1e-12, rtol=0)
    moved = Graph(nodes_tf=renumbered(graph, 1).nodes_tf, edges_e2=graph.edges_e2, label=0)
    assert (logits(host, moved) - found[0]).abs().max() > 1e-6  # its edges do count


@pytest.mark.parametrize("attention", KINDS)
def test_padding_changes_no_logit(attention: dict[str, object]) -> None:
    host, small, large = network(**attention), drawn(5, 3), drawn(30, 4)
    together = logits(host, small, large)[0]
    torch.testing.assert_close(together, logits(host, small)[0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("squeeze", ["avg", "std"])
def test_without_the_mask_padding_is_squeezed_too(squeeze: str) -> None:
    host, small, large = network(**LINEAR, squeeze=squeeze), drawn(5, 3), drawn(30, 4)
    for layer in host.layers:
        (key,) = layer._forward_hooks
        hook = layer._forward_hooks[key]
        layer._forward_hooks[key] = type(hook)(hook.layout)
    together = logits(host, small, large)[0]
    assert (together - logits(host, small)[0]).abs().max() > 1e-6


def test_the_squeeze_is_the_mean_over_a_graphs_own_nodes() -> None:
    host = network(**LINEAR)
    block, seen = host.layers[0].channel_attention, []
    block.excite.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    maps = []
    block.register_forward_pre_hook(lambda module, given: maps.append(given[0]))
    logits(host, drawn(5, 3), drawn(8, 4))
    for z_c, map_ct, nodes in zip(seen[0], maps[0], (5, 8), strict=True):
        torch.testing.assert_close(z_c, map_ct[:, :nodes].mean(1))


def test_a_batch_by_hand() -> None:
    nodes, edges = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[0, 1], [0, 2], [1, 0]])
    one = Graph(nodes_tf=nodes, edges_e2=edges, label=1)
    two = Graph(nodes_tf=torch.tensor([[4.0]]), edges_e2=edges[:0], label=0)
    h, adjacency, mask, y = batch_of([one, two])
    assert h[:, :, 0].tolist() == [[1, 2, 3], [4, 0, 0]]
    assert adjacency[0].tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]]
    assert adjacency[1].sum() == 0
    assert mask.tolist() == [[True, True, True], [True, False, False]]
    assert y.tolist() == [1, 0]


def test_nodes_are_pixels_with_ink_and_neighbours_the_nearest() -> None:
    ink = torch.zeros(8, 8)
    ink[0, 0], ink[0, 1], ink[7, 7], ink[4, 4] = 1, 0.5, INK, INK - 0.01
    graph = pixel_graph(ink, label=3, k=1)
    assert graph.nodes_tf.tolist() == [[1, -1, -1], [0.5, -1, pytest.approx(-5 / 7)], [INK, 1, 1]]
    assert graph.edges_e2.tolist() == [[0, 1], [1, 0], [2, 1]]
    assert len(pixel_graph(ink, label=3, k=9).edges_e2) == 3 * 2  # of three, two others send
