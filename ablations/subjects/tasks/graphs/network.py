"""Message passing in plain torch, over a batch of graphs with different numbers of nodes.

Shapes: N graphs, padded to T nodes of F features or C channels. adjacency_ntt[n, i, j] is the weight of j's message to
i, in rows that sum to 1 (or to 0 for a node that nobody sends to); mask_nt is True where there is a node. Numbering the
nodes in another way numbers what each layer gives in that way, and changes no logit.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class MessagePassing(nn.Module):
    """relu(norm(W [h_i, mean of h_j over the neighbours j of i])) (GraphSAGE, arXiv 1706.02216, algorithm 1).

    Each node is normalised by itself, so that neither padding nor other graphs of the batch count.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.update = nn.Linear(2 * inputs, outputs)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, h_ntc: Tensor, adjacency_ntt: Tensor, mask: Tensor) -> Tensor:
        """(N, T, inputs) to (N, T, outputs), zero where there is no node.

        The mask (N, T) is also what attention of this module's map leaves padding out by.
        """
        h = self.norm(self.update(torch.cat((h_ntc, adjacency_ntt @ h_ntc), 2)))
        return torch.relu(h) * mask.unsqueeze(-1)


class GraphNetwork(nn.Module):
    """Layers of message passing, the mean over a graph's nodes, and a linear head."""

    def __init__(self, features: int, *, classes: int, width: int = 32, depth: int = 3) -> None:
        super().__init__()
        widths = [features, *[width] * depth]
        self.layers = nn.ModuleList(
            MessagePassing(inputs, outputs) for inputs, outputs in pairwise(widths)
        )
        self.head = nn.Linear(width, classes)

    def forward(self, h_ntf: Tensor, adjacency_ntt: Tensor, mask_nt: Tensor) -> Tensor:
        """Graphs to logits (N, classes)."""
        for layer in self.layers:
            h_ntf = layer(h_ntf, adjacency_ntt, mask_nt)
        logits: Tensor = self.head(h_ntf.sum(1) / mask_nt.sum(1, keepdim=True))
        return logits
