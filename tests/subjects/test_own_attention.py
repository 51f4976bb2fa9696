"""Attention attached to a network of the user's own by a space, from YAML to the runs table."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ablations import Execution, SettingError, load_space, run
from ablations.designs.expand import expand, planned_run
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.worker.context import HandedBack
from ablations.engine.worker.here import ContextHere
from ablations.subjects.own_module.run import train_run
from ablations.subjects.program import Attach
from analysis import fit_reduction, read_study
from analysis.tables.starts import read_starts

SPACE = """
subject: maps:Maps
data: maps:Images
metric: {name: val_loss, direction: minimize, unit: nats}
trainer: {max_epochs: 2}
attach: {at: "net.norm?"}
baseline: {attention.reduction: 2}
factors:
  - {name: attention.reduction, levels: [2, 4, 8]}
controls:
  none: {attention.placement: none}
  one: {attach.at: net.norm2}
seeds: 2
"""


QUIETLY = ("--workers", "1", "--wandb", "disabled")


def written(folder: Path, *, old: str = "", new: str = "") -> str:
    assert old in SPACE
    (folder / "maps.yaml").write_text(SPACE.replace(old, new) if old else SPACE)
    return "maps.yaml"


def test_show_lists_the_places_with_maps_and_cost_and_every_arm_with_its_own(mine, ablate) -> None:
    code, said = ablate("show", written(mine), "--design", "loco")
    assert code == 0
    assert "net.norm1  BatchNorm2d   8   8x8  4          64             64" in said
    assert "net.norm2  BatchNorm2d  16   8x8  8         256            256" in said
    (none,) = [
        line for line in said.splitlines() if line.rstrip().endswith("87,584") and "none" in line
    ]
    assert none.split()[-3:] == ["1,474", "0", "87,584"]
    # of the host, by hand: 8 and 16 filters of 3x3 on 64 places, and a head of 16 x 2
    assert 64 * (3 * 9 * 8 + 8 * 9 * 16) + 16 * 2 == 87584


def test_a_study_has_the_columns_of_the_attention_subject_and_shares_the_host(mine, ablate) -> None:
    code, _ = ablate("run", written(mine), "--study", "m", "--design", "loco", *QUIETLY)
    assert code == 0
    table = read_study(mine / "runs/m")
    rows = table.complete().drop_duplicates("label").set_index("label")
    assert rows.loc["reduction=8", ["hidden", "channels", "c2_eff", "attention_params"]].tolist() == [
        [1, 2], [8, 16], 8**2 + 16**2, 2 * (8 * 1 + 16 * 2),
    ]  # fmt: skip
    assert (rows.loc["none", "params"] + rows["attention_params"] == rows["params"]).all()
    assert rows.loc["one", "channels"] == [16]
    assert fit_reduction(table).c2_eff == 8**2 + 16**2
    starts = read_starts(table.frame, mine / "runs/m", table.baseline_arm).set_index("label")
    assert (starts["random_equal"] == starts["random"]).all()
    assert (starts["batches_equal"] == 2).all()
    assert starts.loc["none", "random"] == 6  # each weight and bias of the host's three layers
    assert starts.loc["reduction=4", "random"] == 6  # the attention's are of another shape


def test_an_interrupted_run_with_attention_ends_as_one_that_was_not(mine, tmp_path) -> None:
    space = load_space(written(mine))
    (arm, *_) = expand(space, design="grid").arms
    settings = planned_run(arm, seed=3, stage="grid").settings

    def context(name: str, **more) -> ContextHere:
        folder = tmp_path / name
        (folder / "1").mkdir(parents=True, exist_ok=True)
        given = {"folder": folder, "attempt_folder": folder / "1", "device": "cpu", "threads": 1}
        return ContextHere(run=name, **given, **more)

    def stop(record) -> None:
        raise HandedBack

    def measured(name: str, **more) -> dict[str, object]:
        found = train_run(settings, context(name, **more))
        assert found.pop("epoch_seconds") > 0
        return found

    whole = measured("whole")
    with pytest.raises(HandedBack):
        measured("cut", on_epoch=stop)
    kept = torch.load(tmp_path / "cut/checkpoint.ckpt", weights_only=True)["state_dict"]
    assert "net.norm1.channel_attention.excite.reduce.weight" in kept
    assert "net.norm1.weight" in kept  # the host's own names
    assert measured("cut") == whole


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"net.norm?"', '"net.nrm*"', r"`at` must match a module, but 'net\.nrm\*' matches none of 8\. The nearest:"),
        ('"net.norm?"', '"net.head"', r"with a map .* but matches only others: `net\.head` \(Linear\)"),
        ('"net.norm?"', '"net.act"', r"`net\.act` \(ReLU\): runs 2 times in one pass"),
        ("reduction: 2}", "reduction: 3}", r"the baseline's `attention\.reduction` must be one of its levels"),
        ('attach: {at: "net.norm?"}\n', "", r"`attention\.reduction` is a setting of attention .* `attach: \{at: "),
        ("reduction: 2}", "order: after, attention.reduction: 2}", r"`order` is before or after a unit's activation"),
        ("maps:Maps", "maps:Trained", r"through `Trained\.validation_step` without a Trainer.*forward:"),
        ('"net.norm?"}', '"net.norm?", forwrd: x}', r"forwrd"),
        ('"net.norm?"', '""', r"`attach\.at` must name a module, a pattern or a class, but is empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_attached_is_one_sentence_before_the_first_run(
    mine, old: str, new: str, message: str
) -> None:
    with pytest.raises(SettingError, match=message) as error:
        expand(load_space(written(mine, old=old, new=new)), design="loco")
    assert "\n" not in str(error.value)


def test_a_function_of_the_users_own_may_say_how_a_batch_passes(mine) -> None:
    text = written(mine, old='"net.norm?"}', new='"net.norm?", forward: "maps:passes"}')
    (mine / text).write_text((mine / text).read_text().replace("maps:Maps", "maps:Trained"))
    arms = expand(load_space(text), design="loco").arms
    assert arms[0].cost["hidden"] == [4, 8]


def test_where_attention_sits_is_a_factor_and_means_nothing_without_any(mine) -> None:
    where = (
        "  - {name: attach.at, levels: [net.norm1, net.norm2]}\n"
        "  - {name: attention.placement, levels: [standard, none]}\n"
    )
    text = written(mine, old="  - {name: attention.reduction, levels: [2, 4, 8]}\n", new=where)
    (mine / text).write_text((mine / text).read_text().replace('"net.norm?"', "net.norm1"))
    found = expand(load_space(text), design="grid")
    assert [arm.cost["channels"] for arm in found.arms] == [[8], [], [16]]
    assert dict(found.folded)["at=net.norm2, placement=none"] == "placement=none"


def test_a_ratio_that_does_not_divide_is_listed_and_not_rounded(mine, ablate) -> None:
    text = written(mine, old="levels: [2, 4, 8]", new="levels: [2, 5]")
    code, said = ablate("show", text, "--design", "loco")
    assert code == 0
    assert "cannot be built: reduction=5: At `net.norm1`:" in said


def test_the_files_of_data_and_of_attention_are_part_of_the_studys_code(mine) -> None:
    (mine / "own_part.py").write_text("def flat(x):\n    return x.flatten(2).mean(2)\n")
    text = written(
        mine,
        old="attention.reduction: 2}",
        new="attention.reduction: 2, attention.squeeze: 'own_part:flat'}",
    )
    space = load_space(text)
    assert {path.name for path in space.about.sources(space.values())} == {"maps.py", "own_part.py"}


def test_a_value_typed_in_a_shell_is_what_its_setting_takes(mine) -> None:
    space = load_space(
        written(mine), {"model.width": "16", "attention.bias": "true", "model.rate": "1e-2"}
    )
    assert (space.baseline["model.width"], space.baseline["attention.bias"]) == (16, True)
    assert space.baseline["model.rate"] == 0.01


@pytest.mark.long
def test_what_a_run_takes_is_a_column_where_the_space_names_it(mine, ablate) -> None:
    named = "metrics: [{name: val_loss, direction: minimize}, {name: epoch_seconds, direction: minimize, unit: s}]"
    text = written(mine, old="metric: {name: val_loss, direction: minimize, unit: nats}", new=named)
    assert ablate("run", text, "--study", "t", "--seeds", "1", *QUIETLY)[0] == 0
    assert (
        read_study(mine / "runs/t", metric="epoch_seconds").complete()["epoch_seconds"] > 0
    ).all()


def measured_by(mine: Path, module: str, folder: Path) -> dict[str, Any]:
    """What the baseline of the space with another module measures."""
    (arm, *_) = expand(load_space(written(mine, old="maps:Maps", new=module)), design="grid").arms
    settings = planned_run(arm, seed=3, stage="grid").settings
    folder.mkdir()
    return train_run(
        settings,
        ContextHere(run="a", folder=folder, attempt_folder=folder, device="cpu", threads=1),
    )


def test_attention_that_was_lost_on_the_way_is_found_as_the_training_begins(mine, tmp_path) -> None:
    with pytest.raises(
        SettingError, match=r"^`net\.norm1` was replaced after attention was attached to it"
    ):
        measured_by(mine, "maps:Replaced", tmp_path / "a")


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch's own call
def test_a_network_that_is_compiled_computes_its_attention(mine, tmp_path) -> None:
    compiled = measured_by(mine, "maps:Compiled", tmp_path / "a")
    plain = measured_by(mine, "maps:Maps", tmp_path / "b")
    assert compiled["val_loss"] == pytest.approx(plain["val_loss"], rel=1e-5)


def in_two_processes(mine: Path) -> Execution:
    slots = find_slots(gpus=(), workers=1, processes_per_run=2)
    return Execution(
        executor=lambda _: LocalExecutor(slots, pythonpath=str(mine)), wandb="disabled"
    )


@pytest.mark.integration
def test_two_processes_train_attention_that_a_space_attaches(mine) -> None:
    # Each run begins two processes, which takes most of the time.
    space = load_space(written(mine, old="levels: [2, 4, 8]", new="levels: [2, 8]"))
    run(space, study="ddp", seeds=1, design="loco", execution=in_two_processes(mine))
    rows = read_study(mine / "runs/ddp").complete()
    assert len(rows) == 4
    assert rows["val_loss"].nunique() == 4


@pytest.mark.integration
def test_two_processes_on_a_cpu_cannot_share_the_norms_statistics(mine) -> None:
    new = "trainer: {max_epochs: 2, sync_batchnorm: true}"
    space = load_space(written(mine, old="trainer: {max_epochs: 2}", new=new))
    space = space.model_copy(update={"controls": {}})
    run(space, study="sync", seeds=1, design="grid", execution=in_two_processes(mine))
    errors = read_study(mine / "runs/sync").frame["error"]
    assert len(errors) == 3
    assert set(errors) == {
        "SettingError: `trainer.sync_batchnorm` needs GPUs, since torch's SyncBatchNorm computes nowhere else, but "
        "this run's 2 processes are on the CPU. Leave it out, or give the run GPUs."
    }


def recorded(mine, tmp_path, *, old: str = "", new: str = "") -> tuple[Path, dict]:
    """The folder of one run that records its gates, and its `channels.json`."""
    text = written(mine, old='"net.norm?"}', new='"net.norm?", record_gates: true}')
    if old:
        whole = (mine / text).read_text()
        assert old in whole
        (mine / text).write_text(whole.replace(old, new))
    (arm, *_) = expand(load_space(text), design="grid").arms
    folder = tmp_path / "run"
    (folder / "1").mkdir(parents=True)
    given = {"folder": folder, "attempt_folder": folder / "1", "device": "cpu", "threads": 1}
    train_run(planned_run(arm, seed=0, stage="grid").settings, ContextHere(run="r", **given))
    return folder / "1", json.loads((folder / "1/channels.json").read_text())


def test_gates_of_a_users_module_are_recorded_by_channel_and_class(mine, tmp_path) -> None:
    passes = ', forward: "maps:passes", record_gates'
    folder, found = recorded(mine, tmp_path, old=", record_gates", new=passes)
    assert [block["block"] for block in found["blocks"]] == ["net.norm1", "net.norm2"]
    assert [len(block["usefulness"]) for block in found["blocks"]] == [8, 16]
    assert list(found["blocks"][0]["gate"]) == ["all", "0", "1"]
    assert (found["examples"], len(found["drops"]), found["missing"]) == (16, 13, "")
    lines = [json.loads(line) for line in (folder / "gates.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["block"]) for line in lines] == [
        (2, "net.norm1"),
        (2, "net.norm2"),
    ]


@pytest.mark.parametrize(
    ("data", "classes", "why"),
    [
        ("Images", ["all", "0", "1"], "by channel and class, but not their gradient and use: neither"),
        ("Unlabelled", ["all"], r"by channel, but not their gradient and use: a batch is not (x, y) with a whole"),
    ],
)  # fmt: skip
def test_without_logits_or_labels_the_gates_alone_are_recorded_and_that_is_said(
    data: str, classes: list[str], why: str, mine, tmp_path, caplog
) -> None:
    folder, found = recorded(mine, tmp_path, old="maps:Images", new=f"maps:{data}")
    assert list(found["blocks"][1]["gate"]) == classes
    assert why in found["missing"]
    assert "usefulness" not in found["blocks"][0]
    assert why in caplog.text
    assert (folder / "gates.jsonl").exists()


def test_a_place_without_a_mask_is_stated_as_before_there_was_one() -> None:
    assert "mask" not in Attach(at=("layers.?",)).model_dump()
    assert Attach(at=("layers.?",), mask="mask").model_dump()["mask"] == "mask"
