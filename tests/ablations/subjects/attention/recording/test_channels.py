import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.channels import gates_by_class, record_channels
from ablations.subjects.attention.recording.looking import gates_of
from ablations.subjects.attention.recording.watching import gate_range, gated_blocks
from ablations.subjects.attention.training.module import AttentionClassifier

EXAMPLES = Examples(
    torch.rand(96, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(96) % 3
)
WIDTHS = [4, 8, 16]


def network(**attention: Any) -> torch.nn.Module:
    return AttentionClassifier(
        in_channels=1, classes=3, seed=0, image=8, backbone={"width": 4}, **attention
    ).network


def recorded(path: Path, **attention: Any) -> dict[str, Any]:
    record_channels(network(**attention), EXAMPLES, path / "channels.json", trained=0)
    content: dict[str, Any] = json.loads((path / "channels.json").read_text())
    return content


@pytest.mark.parametrize(
    "settings",
    [
        {"reduction": 4, "affine": True},
        {"reduction": 4, "squeeze": "none"},
        {"kind": "gct"},
        {"kind": "cbam", "reduction": 4},
        {"kind": "scse", "reduction": 4},
        {"kind": "gather_excite", "extent": 2, "reduction": 4},
        {"control": "static"},
        {"control": "shuffled", "reduction": 4},
        {"control": "frozen", "reduction": 4},
        {"gate": "identity", "reduction": 1},
    ],
    ids=lambda one: ", ".join(map(str, one.values())),
)
def test_every_kind_that_scales_is_recorded_by_channel_and_class(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    found = recorded(tmp_path, **settings)
    assert [block["block"] for block in found["blocks"]] == ["layer1.0", "layer2.0", "layer3.0"]
    for block, width in zip(found["blocks"], WIDTHS, strict=True):
        assert list(block["gate"]) == ["all", "0", "1", "2"]
        per_channel = [*block["gate"].values(), block["gradient"], block["usefulness"]]
        assert {len(values) for values in per_channel} == {width}
        assert any(block["usefulness"])
        assert any(block["gradient"])
    assert len(found["drops"]) == 13
    # Dropping half of everything changes what the network says.
    assert found["drops"][0]["loss"] != found["drops"][-1]["loss"]


def test_the_gate_of_a_class_is_the_mean_over_its_examples(tmp_path: Path) -> None:
    found = recorded(tmp_path, reduction=4)["blocks"][0]
    net = network(reduction=4).eval()
    (look, *_) = gates_of(net, EXAMPLES)
    expected = look.g_nc[1::3].mean(0)
    assert found["gate"]["1"] == pytest.approx(expected.tolist(), rel=1e-3)


def test_what_adds_or_is_one_number_writes_no_file(tmp_path: Path) -> None:
    for settings in ({"kind": "global_context", "reduction": 4}, {"control": "constant"}):
        record_channels(network(**settings), EXAMPLES, tmp_path / "c.json", trained=0)
        assert not (tmp_path / "c.json").exists()


def test_of_many_classes_twenty_are_kept() -> None:
    g = torch.rand(100, 4, generator=torch.Generator().manual_seed(0))
    found = gates_by_class("1.0", g, torch.arange(100))["gate"]
    assert len(found) == 21
    assert list(found)[:3] == ["all", "0", "5"]
    assert list(found)[-1] == "99"


@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        ({"reduction": 4}, (0, 1)),
        ({"reduction": 4, "residual": True}, (1, 2)),
        ({"reduction": 4, "gain": "unit"}, (0, 2)),
        ({"kind": "gct"}, (0, 2)),
        ({"reduction": 4, "gate": "identity"}, (-4, 4)),
        ({"reduction": 4, "gate": "softplus"}, (0, 4)),
    ],
)
def test_the_range_is_that_of_the_whole_gate(
    settings: dict[str, Any], ends: tuple[float, float]
) -> None:
    block = next(iter(gated_blocks(network(**settings)).values()))
    assert gate_range(block) == ends
