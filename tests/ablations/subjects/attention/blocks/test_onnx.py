"""Blocks as ONNX files, run by another library on maps of two sizes: `make integration`."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ablations import Attention, build_block

pytestmark = [pytest.mark.integration]
runtime = pytest.importorskip("onnxruntime", reason="needs onnx, onnxscript and onnxruntime")
pytest.importorskip("onnxscript", reason="needs onnx, onnxscript and onnxruntime")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "settings",
    [
        {"reduction": 4},
        {"reduction": 4, "squeeze": "none"},
        {"reduction": 4, "squeeze": "avg_max_mlp", "gate": "one_plus_tanh", "bias": True},
        {"excitation": "eca", "squeeze": "gem"},
        {"excitation": "diagonal", "squeeze": "avg_std", "norm": "batch"},
        {"kind": "gct"},
        {"kind": "cbam", "reduction": 4},
        {"kind": "scse", "reduction": 4},
        {"kind": "gather_excite", "reduction": 4},
        {"kind": "global_context", "reduction": 4},
        {"control": "static"},
    ],
    ids=str,
)
def test_an_exported_block_gives_the_same_numbers_on_maps_of_two_sizes(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    block = build_block(Attention(**settings), channels=16, base=16, dims=2).eval()
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    path = tmp_path / "block.onnx"
    torch.onnx.export(
        block, (torch.rand(2, 16, 8, 8),), path, dynamo=True, dynamic_shapes=(free,), verbose=False
    )
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    for shape in ((2, 16, 8, 8), (3, 16, 13, 5)):
        x = torch.rand(shape)
        (found,) = session.run(None, {given.name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), block(x), rtol=1e-4, atol=1e-5)
