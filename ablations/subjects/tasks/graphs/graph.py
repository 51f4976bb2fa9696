"""One graph, and a batch of several."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Nodes with features, directed edges between them, and a class."""

    nodes_tf: Tensor
    edges_e2: Tensor
    """Each edge's receiver and sender, by their places among the nodes."""
    label: int


def batch_of(graphs: Sequence[Graph]) -> list[Tensor]:
    """Features (N, T, F), adjacency (N, T, T), mask (N, T) and labels (N,), T being the nodes of the largest.

    A node's incoming edges weigh alike, and together 1.
    """
    most = max(len(graph.nodes_tf) for graph in graphs)
    h_ntf = torch.zeros(len(graphs), most, graphs[0].nodes_tf.shape[1])
    adjacency_ntt = torch.zeros(len(graphs), most, most)
    mask_nt = torch.zeros(len(graphs), most, dtype=torch.bool)
    for n, graph in enumerate(graphs):
        nodes = len(graph.nodes_tf)
        h_ntf[n, :nodes], mask_nt[n, :nodes] = graph.nodes_tf, True
        adjacency_ntt[n, graph.edges_e2[:, 0], graph.edges_e2[:, 1]] = 1
    adjacency_ntt /= adjacency_ntt.sum(2, keepdim=True).clamp_min(1)
    return [h_ntf, adjacency_ntt, mask_nt, torch.tensor([graph.label for graph in graphs])]
