import json
import struct
import zlib
from random import Random

import pytest

from analysis.errors import TableError
from analysis.tables.formats.wandb_file import OfflineRun, offline_files, read_offline_file
from analysis.tables.wandb_export import read_offline

BLOCK = 32 * 1024


def record(**parts):
    """One of W&B's messages with some history or summary items."""
    from wandb.proto.wandb_internal_pb2 import Record

    message = Record()
    for kind, items in parts.items():
        part = getattr(message, kind)
        target = part.item if kind == "history" else part.update
        for key, value in items.items():
            item = target.add()
            item.value_json = json.dumps(value)
            item.nested_key.extend(key if isinstance(key, tuple) else (key,))
    return message.SerializeToString()


def framed(payloads):
    """An offline file of these messages: LevelDB's log format, written anew from its description."""
    out = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for payload in payloads:
        rest, begun = payload, False
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += b"\0" * left
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = {(False, True): 1, (False, False): 2, (True, False): 3, (True, True): 4}[
                begun, not rest
            ]
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            begun = True
            if not rest:
                break
    return bytes(out)


@pytest.fixture
def file(tmp_path):
    def write(payloads, cut=None):
        path = tmp_path / "run-a-1.wandb"
        path.write_bytes(framed(payloads)[:cut])
        return path

    return write


def test_records_longer_than_a_block_are_whole(file):
    long = "x" * (3 * BLOCK)
    rows = [{"epoch": 1, "note": long}, {"epoch": 2}]
    run = read_offline_file(file([record(history=row) for row in rows]))
    assert run.history == rows


def test_records_that_end_at_a_block_border_are_whole(file):
    # Every length around the border, so that headers are split and padded in every way.
    for size in range(BLOCK - 60, BLOCK):
        rows = [{"epoch": 1, "note": "x" * size}, {"epoch": 2}]
        run = read_offline_file(file([record(history=row) for row in rows]))
        assert [row["epoch"] for row in run.history] == [1, 2]


def test_a_file_that_was_cut_off_is_read_up_to_the_cut(file):
    payloads = [record(history={"epoch": epoch}) for epoch in (1, 2, 3)]
    whole = len(framed(payloads))
    found = [len(read_offline_file(file(payloads, cut)).history) for cut in range(whole + 1)]
    assert found == sorted(found)
    assert (found[0], found[-2], found[-1]) == (0, 2, 3)


def test_a_broken_record_ends_the_reading(file):
    path = file([record(history={"epoch": epoch}) for epoch in (1, 2, 3)])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert len(read_offline_file(path).history) < 3


def test_nested_and_later_values_are_put_together(file):
    run = read_offline_file(
        file(
            [
                record(config={("attention", "reduction"): 4, "seed": 0}),
                record(
                    config={("attention", "gate"): "sigmoid"},
                ),
                record(summary={"val_loss": 0.5}),
                record(summary={"val_loss": 0.25}),
            ]
        )
    )
    assert run.config == {"attention": {"reduction": 4, "gate": "sigmoid"}, "seed": 0}
    assert run.summary == {"val_loss": 0.25}
    assert run.exit_code is None


def test_a_run_killed_before_its_first_flush_is_known_by_its_name(file):
    path = file([], cut=0)
    assert read_offline_file(path) == OfflineRun(path=path, id="a-1")


def test_another_file_is_refused(tmp_path):
    (tmp_path / "run-a.wandb").write_text("something else")
    with pytest.raises(
        TableError, match=r"is no offline file of W&B: it must begin with b':W&B'\."
    ):
        read_offline_file(tmp_path / "run-a.wandb")


def test_the_link_to_the_latest_run_counts_no_run_twice(tmp_path):
    made = tmp_path / "wandb" / "offline-run-20261121_000000-a"
    made.mkdir(parents=True)
    (made / "run-a.wandb").touch()
    (tmp_path / "wandb" / "latest-run").symlink_to(made)
    assert offline_files(tmp_path) == [made / "run-a.wandb"]


@pytest.mark.parametrize(
    "payloads",
    [
        [b"\xff\xff\xff"],
        [record(summary={"a": 1, ("a", "b"): 2})],
        [record(summary={"a": 1}).replace(b"1", b"{")],
        [record(config={"a": "xx"}).replace(b'"xx"', b'"\xff\xfe"')],
    ],
)
def test_a_whole_record_that_is_none_of_theirs_is_said(file, payloads):
    with pytest.raises(
        TableError, match=r"run-a-1\.wandb is damaged: record 1 is none of W&B's \("
    ):
        read_offline_file(file(payloads))


def test_a_file_that_was_changed_anywhere_is_read_or_refused(file):
    """Bytes of the file, and of records whose checksum is right."""
    draw = Random(5)
    whole = [
        record(config={"lr": 0.1, ("model", "width"): 8}),
        record(history={"epoch": 1, "val_loss": 0.5}),
        record(summary={"val_loss": 0.5, "best": None}),
    ]
    refused = 0
    for number in range(400):
        payloads = list(whole)
        if number % 2:
            at = draw.randrange(len(payloads))
            payloads[at] = _changed(draw, payloads[at])
        path = file(payloads)
        if not number % 2:
            path.write_bytes(_changed(draw, path.read_bytes()))
        try:
            read_offline(path.parent, factors=["lr"])
        except TableError:
            refused += 1
    assert 40 < refused < 400


def _changed(draw, content):
    some = bytearray(content)
    match draw.randrange(4):
        case 0:
            some[draw.randrange(len(some))] = draw.randrange(256)
        case 1:
            del some[draw.randrange(len(some)) :]
        case 2:
            at = draw.randrange(len(some))
            some[at:at] = some[at : at + draw.choice([1, 4, 16])]
        case _:
            at = draw.randrange(len(some))
            some[at : at + 1] = draw.choice([b"\xff", b"{", b"[[", b"\x00\x00", b"nan", b'"'])
    return bytes(some)
