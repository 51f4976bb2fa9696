"""Graphs with classes as a LightningDataModule: a share of each class is held out."""

import hashlib
from abc import abstractmethod

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from ablations.errors import SettingError
from ablations.streams import generator
from ablations.subjects.tasks.graphs.graph import Graph, batch_of

VALIDATED = 256


class Graphs(pl.LightningDataModule):
    """What all sources of graphs have in common.

    Args:
        batch_size: Graphs of a step.
        held_out: Share of each class to validate with.
        split_seed: Draws which.
    """

    def __init__(self, batch_size: int, held_out: float, split_seed: int) -> None:
        super().__init__()
        if not 0 < held_out < 1:
            raise SettingError(f"`0 < held_out < 1` must hold, but got {held_out:g}.")
        self.batch_size, self.share, self.split_seed = batch_size, held_out, split_seed

    @abstractmethod
    def graphs(self) -> list[Graph]:
        """Read or make all graphs; each class has two or more."""

    def setup(self, stage: str) -> None:
        """Both parts."""
        del stage
        graphs, draw = self.graphs(), generator(self.split_seed, "graphs")
        labels = torch.tensor([graph.label for graph in graphs])
        out: set[int] = set()
        for label in labels.unique():  # type: ignore[no-untyped-call]
            mine = (labels == label).nonzero()[:, 0]
            count = min(max(1, round(self.share * len(mine))), len(mine) - 1)
            out |= set(mine[torch.randperm(len(mine), generator=draw)[:count]].tolist())
        self.train = [graph for i, graph in enumerate(graphs) if i not in out]
        self.val = [graphs[i] for i in sorted(out)]

    def train_dataloader(self) -> DataLoader[Graph]:
        """In another order in each epoch."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, collate_fn=batch_of)  # type: ignore[arg-type]

    def val_dataloader(self) -> DataLoader[Graph]:
        """All that is held out."""
        return DataLoader(self.val, batch_size=VALIDATED, collate_fn=batch_of)  # type: ignore[arg-type]

    def fingerprint(self) -> str:
        """A hash of all graphs, and what splits them."""
        digest = hashlib.sha256(f"{self.share} {self.split_seed}".encode())
        for graph in self.graphs():
            shape = (*graph.nodes_tf.shape, *graph.edges_e2.shape, graph.label)
            digest.update(str(shape).encode())
            digest.update(graph.nodes_tf.numpy().tobytes() + graph.edges_e2.numpy().tobytes())
        return digest.hexdigest()[:16]
