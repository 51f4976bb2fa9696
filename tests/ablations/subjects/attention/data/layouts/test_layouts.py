import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.layouts import LAYOUTS
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)
LABELS = [0, 0, 0, 1, 1, 1, 1]


def png(pixels: np.ndarray) -> bytes:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.fromarray(pixels).save(out, format="png")
    return out.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_folder(root: Path) -> None:
    for i, (pixels, label) in enumerate(zip(PIXELS, LABELS, strict=True)):
        (root / "ab"[label]).mkdir(parents=True, exist_ok=True)
        (root / "ab"[label] / f"{i}.png").write_bytes(png(pixels))


def write_shards(root: Path) -> None:
    root.mkdir()
    for shard, part in enumerate((range(4), range(4, 7))):
        with tarfile.open(root / f"train-{shard:04d}.tar", "w") as archive:
            for i in part:
                add(archive, f"./deep.er/{i:06d}.cls", f"{LABELS[i]}\n".encode())
                add(archive, f"./deep.er/{i:06d}.png", png(PIXELS[i]))
                add(archive, f"./deep.er/{i:06d}.json", b"{}")


def write_parquet(root: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    root.mkdir()
    for file, part in enumerate((range(4), range(4, 7))):
        images = [{"bytes": png(PIXELS[i]), "path": f"{i}.png"} for i in part]
        table = pa.table({"image": images, "label": [LABELS[i] for i in part]})
        pq.write_table(table, root / f"train-{file:05d}-of-00002.parquet", row_group_size=2)
    pq.write_table(table, root / "test-00000-of-00001.parquet")


LAYOUT = pytest.mark.parametrize(
    ("name", "write"),
    [("folder", write_folder), ("webdataset", write_shards), ("parquet", write_parquet)],
)


@LAYOUT
@pytest.mark.parametrize("stream", ["resident", "streamed"])
def test_every_layout_gives_back_the_images_that_were_written(
    name: str, write, stream: str, tmp_path: Path
) -> None:
    write(tmp_path / "data")
    found = read(Data(name=name, root=str(tmp_path / "data"), stream=stream))
    assert np.array_equal(np.stack(list(found.each())), PIXELS)
    assert found.y.tolist() == LABELS
    assert found.shape == (3, 5, 6)


def test_one_file_is_a_data_set_too(tmp_path: Path) -> None:
    write_shards(tmp_path / "data")
    path = tmp_path / "data" / "train-0000.tar"
    assert read(Data(name="webdataset", root=str(path))).y.tolist() == LABELS[:4]


def test_where_members_lie_is_found_out_once(tmp_path: Path, monkeypatch) -> None:
    write_shards(tmp_path / "data")
    data = Data(name="webdataset", root=str(tmp_path / "data"))
    first = LAYOUTS["webdataset"](data)
    monkeypatch.setattr(tarfile, "open", None)
    again = LAYOUTS["webdataset"](data)
    assert [again.stored(i) for i in range(7)] == [first.stored(i) for i in range(7)]
    assert again.where(5) == "'train-0001.tar: ./deep.er/000005.png'"


def test_rows_are_copied_once(tmp_path: Path, monkeypatch) -> None:
    write_parquet(tmp_path / "data")
    pq = pytest.importorskip("pyarrow.parquet")
    data = Data(name="parquet", root=str(tmp_path / "data"))
    first = LAYOUTS["parquet"](data)
    monkeypatch.setattr(pq, "ParquetFile", None)
    again = LAYOUTS["parquet"](data)
    assert [again.stored(i) for i in range(7)] == [first.stored(i) for i in range(7)]
    assert again.where(4) == "'train-00001-of-00002.parquet: row 0'"


def shard(path: Path, members: dict[str, bytes], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            add(archive, name, content)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"0.png": b"", "0.txt": b""}, r"'0' in '.*a\.tar' has not a label \(`\.cls`\)\."),
        ({"0.cls": b"1", "1.png": b""}, r"'0' in '.*a\.tar' has not an image"),
        ({"0.png": b"", "0.cls": b"cat"}, r"must hold the number of a class, but '0\.cls' in .*b'cat'"),
        ({}, r"`data\.root` must hold images, but '.*' holds none\."),
        (
            {"0.png": b"", "0.cls": b"7", "1.png": b"", "1.cls": b"-1"},
            r"none can be read: 'a\.tar: 0\.png'",
        ),
    ],
)  # fmt: skip
def test_a_shard_that_lacks_something_is_told(members, message: str, tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", members)
    with pytest.raises(SettingError, match=message):
        read(Data(name="webdataset", root=str(tmp_path)))


def test_labels_with_a_gap_are_told(tmp_path: Path) -> None:
    shard(
        tmp_path / "a.tar",
        {"0.png": png(PIXELS[0]), "0.cls": b"1", "1.png": png(PIXELS[1]), "1.cls": b"2"},
    )
    with pytest.raises(SettingError, match=r"must be 0, 1, \.\.\. without a gap, but are \[1, 2\]"):
        read(Data(name="webdataset", root=str(tmp_path)))


def test_a_compressed_a_cut_and_a_missing_shard_are_told(tmp_path: Path) -> None:
    data = Data(name="webdataset", root=str(tmp_path))
    with pytest.raises(SettingError, match=r"must hold `\.tar` files .* holds none"):
        read(data)
    shard(tmp_path / "a.tar", {"0.png": png(PIXELS[0]), "0.cls": b"0"}, mode="w:gz")
    with pytest.raises(SettingError, match=r"not compressed, but '.*a\.tar' cannot be read as one"):
        read(data)
    (tmp_path / "a.tar").unlink()
    write_shards(tmp_path / "whole")
    whole = (tmp_path / "whole" / "train-0000.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[: 3 * 512 + 20])
    with pytest.raises(
        SettingError, match=r"'.*a\.tar' cannot be read as one: .*Unpack or copy it"
    ):
        read(data)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [{"bytes": None, "path": "a.png"}], "label": [0]}, "row 0 of .* has no image"),
        ({"image": [{"bytes": b"", "path": ""}], "label": [None]}, "row 0 of .* has no label"),
        ({"image": [{"bytes": b"", "path": ""}], "kind": [0]}, r"has the columns image .*kind \(int64"),
        ({"label": [0]}, r"has the columns label \(int64\)"),
        ({"image": [b""], "other": [b""], "label": [0]}, "must have one column of bytes"),
    ],
)  # fmt: skip
def test_a_parquet_file_of_something_else_is_told(columns, message: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.table(columns)
    if "label" in columns and columns["label"] == [None]:
        table = table.set_column(1, "label", pa.array([None], pa.int64()))
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(SettingError, match=message):
        read(Data(name="parquet", root=str(tmp_path)))


def test_a_page_of_a_parquet_file_that_is_broken_is_told(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data")
    path = tmp_path / "data" / "train-00000-of-00002.parquet"
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(SettingError, match=r"'.*00002\.parquet' cannot be read as one: .*Copy it"):
        read(Data(name="parquet", root=str(tmp_path / "data")))


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    data = Data(name="parquet", root=str(tmp_path))
    with pytest.raises(SettingError, match=r"must hold `\.parquet` files, but '.*' holds none"):
        read(data)
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(
        SettingError, match=r"'.*a\.parquet' cannot be read as one: .*Copy it again"
    ):
        read(data)
