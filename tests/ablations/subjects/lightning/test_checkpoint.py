from pathlib import Path

import pytest
import torch

from ablations.subjects.lightning import checkpoint
from ablations.subjects.lightning.checkpoint import AtomicCheckpointIO, readable


def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)

    def full(_: object, file) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        AtomicCheckpointIO().save_checkpoint({"epoch": 2}, path)
    monkeypatch.undo()
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.ckpt"]


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "lightning_logs" / "checkpoints" / "epoch=1.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04cos\nsystem\n.", None])
def test_a_checkpoint_that_cannot_be_read_is_set_aside(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "checkpoint.ckpt"
    if content is None:
        torch.save({"no": "state"}, path)
    else:
        path.write_bytes(content)
    assert readable(path) is None
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.ckpt.set-aside"]
    assert "the run starts anew" in caplog.text


def test_a_checkpoint_that_can_be_read_is_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.ckpt"
    assert readable(None) is None
    assert readable(path) is None
    torch.save({"state_dict": {}}, path)
    assert readable(path) == path
