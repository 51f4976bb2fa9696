"""Graphs of the user's own in the text format of the TU collection (Morris et al., arXiv 2007.08663).

A folder with `NAME_A.txt` (an edge a line, the numbers of its two nodes, from 1), `NAME_graph_indicator.txt` (the
number of each node's graph, from 1), `NAME_graph_labels.txt`, and where nodes have more than their edges
`NAME_node_labels.txt` or `NAME_node_attributes.txt`.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ablations.errors import MissingHere, SettingError
from ablations.failures import words_of
from ablations.subjects.tasks.graphs.graph import Graph
from ablations.subjects.tasks.graphs.graphs import Graphs

EDGES = "_A.txt"


class GraphFolder(Graphs):
    """A folder in the TU format; `model.features` and `model.classes` must be its own.

    A node's features are its attributes, its label as one of so many, or a single 1 where there are neither.

    Args:
        root: The folder.
        batch_size: Graphs of a step.
        held_out: Share of each class to validate with.
        split_seed: Draws which.
    """

    def __init__(
        self, root: str, batch_size: int = 64, held_out: float = 0.3, split_seed: int = 0
    ) -> None:
        super().__init__(batch_size, held_out, split_seed)
        self.root = root

    def graphs(self) -> list[Graph]:
        """Read and check.

        Raises:
            SettingError: If a file is missing or not as it must be; with its path.
        """
        stem = _stem(Path(self.root).expanduser())
        of_node = _numbers(stem, "graph_indicator")[:, 0]
        labels = _labels(stem, _numbers(stem, "graph_labels")[:, 0])
        _check_indicator(stem, of_node, graphs=len(labels))
        edges = _numbers(stem, "A", columns=2) - 1
        _check_edges(stem, edges, of_node)
        features = _features(stem, nodes=len(of_node))
        first = np.searchsorted(of_node, np.arange(1, len(labels) + 2))
        # Both ends of an edge lie in one graph, so sorting by one sorts by graph.
        edges = edges[edges[:, 0].argsort(kind="stable")]
        ends = np.searchsorted(edges[:, 0], first)
        return [
            Graph(
                nodes_tf=torch.from_numpy(features[first[g] : first[g + 1]]),
                edges_e2=torch.from_numpy(edges[ends[g] : ends[g + 1]] - first[g]),
                label=int(label),
            )
            for g, label in enumerate(labels)
        ]


def _stem(root: Path) -> Path:
    """The path of the files up to where their names differ."""
    if not root.exists():
        raise MissingHere(f"`data.root` must exist, but there is no {str(root)!r}.")
    found = sorted(root.glob(f"*{EDGES}"))
    if len(found) != 1:
        raise SettingError(
            f"`data.root` must be a folder with one file NAME{EDGES}, the edges of all graphs, but {str(root)!r} has "
            f"{len(found)}."
        )
    return root / found[0].name.removesuffix(EDGES)


def _path(stem: Path, what: str) -> Path:
    return stem.with_name(f"{stem.name}_{what}.txt")


def _numbers(stem: Path, what: str, *, columns: int = 1) -> NDArray[np.int64]:
    """A file of whole numbers, (lines, columns)."""
    path = _path(stem, what)
    found = _read(path)
    whole = found.astype(np.int64)
    if found.shape[1] != columns or not np.array_equal(whole, found):
        each = "two whole numbers" if columns == 2 else "one whole number"
        raise SettingError(
            f"each line of {str(path)!r} must have {each}, but {_wrong(found, columns)}."
        )
    return whole


def _wrong(found: NDArray[np.float64], columns: int) -> str:
    if found.shape[1] != columns:
        return f"has {found.shape[1]}"
    line = int((found != np.floor(found)).any(1).argmax())
    return f"line {line + 1} has {', '.join(f'{x:g}' for x in found[line])}"


def _read(path: Path) -> NDArray[np.float64]:
    if not path.exists():
        raise MissingHere(f"the graphs of `data.root` need {str(path)!r}, but there is none.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an empty file, which is told below
            found = np.loadtxt(path, delimiter=",", ndmin=2)
    except (ValueError, OSError) as error:
        raise SettingError(
            f"{str(path)!r} must have numbers with commas between them, as many in each line, but cannot be read: "
            f"{words_of(error)}."
        ) from error
    if not found.size:
        raise SettingError(f"{str(path)!r} must have a line or more, but is empty.")
    if not np.isfinite(found).all():
        line = int((~np.isfinite(found)).any(1).argmax())
        raise SettingError(
            f"the numbers of {str(path)!r} must be finite, but some in line {line + 1} are not."
        )
    return found


def _labels(stem: Path, given: NDArray[np.int64]) -> NDArray[np.int64]:
    """The classes, counted from 0 in the order of their numbers."""
    known, place, counts = np.unique(given, return_inverse=True, return_counts=True)
    if len(known) < 2 or counts.min() < 2:
        told = (
            f"class {known[counts.argmin()]} has one"
            if len(known) > 1
            else f"all are of class {known[0]}"
        )
        raise SettingError(
            f"there must be two classes or more in {str(_path(stem, 'graph_labels'))!r}, each of two graphs or more, "
            f"one of them to hold out, but {told}."
        )
    return place.astype(np.int64)


def _check_indicator(stem: Path, of_node: NDArray[np.int64], *, graphs: int) -> None:
    path = str(_path(stem, "graph_indicator"))
    if (np.diff(of_node) < 0).any():
        line = int((np.diff(of_node) < 0).argmax()) + 2
        raise SettingError(
            f"the nodes in {path!r} must be in the order of their graphs, but line {line} has {of_node[line - 1]} "
            f"after {of_node[line - 2]}."
        )
    if not np.array_equal(np.unique(of_node), np.arange(1, graphs + 1)):
        raise SettingError(
            f"{path!r} must name every graph from 1 to {graphs}, of which "
            f"{str(_path(stem, 'graph_labels'))!r} has the labels, but names {len(np.unique(of_node))} from "
            f"{of_node[0]} to {of_node[-1]}."
        )


def _check_edges(stem: Path, edges: NDArray[np.int64], of_node: NDArray[np.int64]) -> None:
    path = str(_path(stem, "A"))
    outside = ((edges < 0) | (edges >= len(of_node))).any(1)
    if outside.any():
        line = int(outside.argmax())
        raise SettingError(
            f"nodes in {path!r} must be numbers from 1 to {len(of_node)}, the nodes that there are, but line "
            f"{line + 1} has {edges[line, 0] + 1}, {edges[line, 1] + 1}."
        )
    first, second = of_node[edges].T
    if (first != second).any():
        line = int((first != second).argmax())
        raise SettingError(
            f"an edge in {path!r} must join two nodes of one graph, but line {line + 1} joins graph {first[line]} and "
            f"graph {second[line]}."
        )


def _features(stem: Path, *, nodes: int) -> NDArray[np.float32]:
    """(nodes, F)."""
    for what in ("node_attributes", "node_labels"):
        path = _path(stem, what)
        if not path.exists():
            continue
        found = _read(path)
        if len(found) != nodes:
            raise SettingError(
                f"{str(path)!r} must have a line for each of the {nodes} nodes, but has {len(found)}."
            )
        if what == "node_attributes":
            return found.astype(np.float32)
        known, place = np.unique(found[:, 0], return_inverse=True)
        return np.eye(len(known), dtype=np.float32)[place]
    return np.ones((nodes, 1), dtype=np.float32)
