"""A folder in the TU format: what is read, and what is wrong with it, told with the path."""

from pathlib import Path

import pytest

from ablations import SettingError
from ablations.subjects.tasks.graphs.folder import GraphFolder
from ablations.subjects.tasks.graphs.module import GraphClassifier

FILES = {
    "A": "1, 2\n2, 1\n3, 4\n7, 6\n",
    "graph_indicator": "1\n1\n2\n2\n3\n4\n4\n",
    "graph_labels": "-1\n1\n1\n-1\n",
    "node_labels": "0\n2\n2\n0\n0\n0\n2\n",
}


def written(root: Path, **changed: str | None) -> GraphFolder:
    for name, text in {**FILES, **changed}.items():
        if text is not None:
            (root / f"SMALL_{name}.txt").write_text(text)
    return GraphFolder(str(root))


def test_graphs_are_read_with_their_nodes_and_edges(tmp_path: Path) -> None:
    graphs = written(tmp_path).graphs()
    assert [graph.label for graph in graphs] == [0, 1, 1, 0]
    assert [graph.edges_e2.tolist() for graph in graphs] == [
        [[0, 1], [1, 0]],
        [[0, 1]],
        [],
        [[1, 0]],
    ]
    assert graphs[0].nodes_tf.tolist() == [[1, 0], [0, 1]]
    assert graphs[2].nodes_tf.tolist() == [[1, 0]]


def test_attributes_are_features_and_without_any_a_node_is_one(tmp_path: Path) -> None:
    lines = "\n".join(f"{i}, {i}.5" for i in range(7))
    assert written(tmp_path, node_attributes=lines).graphs()[3].nodes_tf.tolist() == [
        [5, 5.5],
        [6, 6.5],
    ]
    (tmp_path / "plain").mkdir()
    plain = written(tmp_path / "plain", node_labels=None).graphs()
    assert plain[0].nodes_tf.tolist() == [[1], [1]]


def test_each_class_is_in_both_parts(tmp_path: Path) -> None:
    data = written(tmp_path)
    data.setup("fit")
    assert sorted(graph.label for graph in data.train) == [0, 1]
    assert sorted(graph.label for graph in data.val) == [0, 1]
    changed = GraphFolder(str(tmp_path), split_seed=1)
    assert data.fingerprint() == GraphFolder(str(tmp_path)).fingerprint() != changed.fingerprint()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("graph_labels", None, r"the graphs of `data\.root` need '.*SMALL_graph_labels\.txt', but there is none\."),
        ("A", "1, 2\n2\n", r"'.*SMALL_A\.txt' must have numbers with commas .* cannot be read"),
        ("A", "", r"'.*SMALL_A\.txt' must have a line or more, but is empty\."),
        ("A", "1\n2\n", r"each line of '.*SMALL_A\.txt' must have two whole numbers, but has 1\."),
        ("A", "1, 2\n1.5, 2\n", r"must have two whole numbers, but line 2 has 1\.5, 2\."),
        ("A", "1, 2\n1, 9\n", r"'.*SMALL_A\.txt' must be numbers from 1 to 7, .* but line 2 has 1, 9\."),
        ("A", "0, 2\n", r"must be numbers from 1 to 7, the nodes that there are, but line 1 has 0, 2\."),
        ("A", "1, 2\n2, 3\n", r"must join two nodes of one graph, but line 2 joins graph 1 and graph 2\."),
        ("graph_indicator", "1\n1\n3\n2\n4\n4\n4\n", r"order of their graphs, but line 4 has 2 after 3\."),
        ("graph_indicator", "1\n1\n2\n2\n3\n3\n3\n", r"must name every graph from 1 to 4, .* names 3 from 1 to 3\."),
        ("graph_labels", "1\n1\n1\n2\n", r"each of two graphs or more, one of them to hold out, but class 2 has one\."),
        ("graph_labels", "1\n1\n1\n1\n", r"two classes or more in '.*graph_labels\.txt'.*, but all are of class 1\."),
        ("node_labels", "1\n2\n", r"'.*node_labels\.txt' must have a line for each of the 7 nodes, but has 2\."),
        ("node_attributes", "1\nnan\n3\n4\n5\n6\n7\n", r"must be finite, but some in line 2 are not\."),
        ("node_labels", "a\n", r"'.*node_labels\.txt' must have numbers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_path(
    name: str, text: str | None, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=told):
        written(tmp_path, **{name: text}).graphs()


def test_the_folder_must_be_one_data_set(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"`data\.root` must exist, but there is no '.*nowhere'"):
        GraphFolder(str(tmp_path / "nowhere")).graphs()
    with pytest.raises(SettingError, match=r"with one file NAME_A\.txt, .* has 0\."):
        GraphFolder(str(tmp_path)).graphs()
    with pytest.raises(SettingError, match=r"`0 < held_out < 1` must hold, but got 0\."):
        GraphFolder("x", held_out=0.0)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"features": 3, "classes": 2}, r"takes nodes of 3 features, but the data's have 2: set `model\.features=2`"),
        ({"features": 2, "classes": 1}, r"tells 1 classes apart, but the data have 2 or more: set `model\.classes`"),
    ],
)  # fmt: skip
def test_a_model_of_other_graphs_is_refused(
    model: dict[str, int], told: str, tmp_path: Path
) -> None:
    data = written(tmp_path)
    data.setup("fit")
    with pytest.raises(SettingError, match=told):
        GraphClassifier(**model).validation_step(next(iter(data.val_dataloader())), 0)
