"""scikit-learn's bundled digits as graphs: a node for each pixel with ink, edges from its nearest ones."""

from functools import lru_cache

import torch
from torch import Tensor

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.digits import digits
from ablations.subjects.attention.settings.groups import Data
from ablations.subjects.tasks.graphs.graph import Graph
from ablations.subjects.tasks.graphs.graphs import Graphs

INK = 4 / 16
"""From here on a pixel is a node; a digit then has 16 to 36 of its 64."""


class DigitGraphs(Graphs):
    """A digit's pixels with ink, each told its ink, row and column, receiving from its nearest neighbours.

    Args:
        neighbours: That each node receives from, k.
        batch_size: Graphs of a step.
        held_out: Share of each digit to validate with.
        split_seed: Draws which.
    """

    def __init__(
        self,
        neighbours: int = 6,
        batch_size: int = 64,
        held_out: float = 0.3,
        split_seed: int = 0,
    ) -> None:
        super().__init__(batch_size, held_out, split_seed)
        if not 1 <= neighbours <= 16:
            raise SettingError(f"`1 <= neighbours <= 16` must hold, but got {neighbours}.")
        self.neighbours = neighbours

    def graphs(self) -> list[Graph]:
        """All 1 797."""
        return list(_digit_graphs(self.neighbours))


@lru_cache(maxsize=1)  # a study asks for them for its fingerprint, its cost and its runs
def _digit_graphs(k: int) -> tuple[Graph, ...]:
    images, labels = digits(Data())
    return tuple(
        pixel_graph(torch.from_numpy(image[0]).float() / 16, label=int(y), k=k)
        for image, y in zip(images, labels, strict=True)
    )


def pixel_graph(ink_hw: Tensor, *, label: int, k: int) -> Graph:
    """The graph of one image with ink from 0 to 1; of equally near pixels the first in reading order send."""
    place_t2 = (ink_hw >= INK).nonzero()
    middle = (torch.tensor(ink_hw.shape) - 1) / 2
    nodes_tf = torch.cat(
        (ink_hw[place_t2[:, 0], place_t2[:, 1], None], (place_t2 - middle) / middle), 1
    )
    return Graph(nodes_tf=nodes_tf, edges_e2=nearest(place_t2, k=k), label=label)


def nearest(place_td: Tensor, *, k: int) -> Tensor:
    """Edges (E, 2), receiver and sender, from each place's k nearest others, or from all where there are fewer."""
    apart_tt = (place_td[:, None] - place_td[None]).float().square().sum(-1)
    apart_tt.fill_diagonal_(torch.inf)
    count = min(k, len(place_td) - 1)
    senders_tk = apart_tt.sort(dim=1, stable=True).indices[:, :count]
    receivers = torch.arange(len(place_td)).repeat_interleave(count)
    return torch.stack((receivers, senders_tk.reshape(-1)), 1)
