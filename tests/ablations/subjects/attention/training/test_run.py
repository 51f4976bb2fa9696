from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ablations.designs.expand import plan_arm
from ablations.designs.spaces import load_space
from ablations.engine.worker.context import RunContext
from ablations.errors import SettingError
from ablations.subjects.attention.data.batches import check_batches
from ablations.subjects.attention.data.dataset import fingerprint, on_device
from ablations.subjects.attention.settings.groups import Arm, Attention, Data, Run, Training
from ablations.subjects.attention.settings.identity import canonical, run_id
from ablations.subjects.attention.training import run as training
from ablations.subjects.attention.training.run import Outcome, train, train_run
from benchmarks.bare_loop import bare_loop


def run(*, seed: int = 0, epochs: int = 2, **recipe: Any) -> Run:
    recipe = {"batch_size": 128, "warmup_epochs": 1, "epochs": epochs, **recipe}
    return Run(arm=Arm(attention=Attention(reduction=4), training=Training(**recipe)), seed=seed)


@cache
def ended(**recipe: Any) -> Outcome:
    """What a run came to, trained once for all tests: what else is trained between them must not change it."""
    return train(run(**recipe))


class Interrupted(Exception):
    pass


def test_a_run_that_goes_on_from_its_checkpoint_ends_bit_equal(tmp_path: Path) -> None:
    path, seen = tmp_path / "checkpoint.ckpt", []

    def interrupt(record: dict[str, Any]) -> None:
        if record["epoch"] == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(run(epochs=4), on_epoch=interrupt, checkpoint=path)
    resumed = train(run(epochs=4), on_epoch=lambda r: seen.append(r["epoch"]), checkpoint=path)
    assert seen == [3, 4]
    assert resumed == ended(epochs=4)


@pytest.mark.long
@pytest.mark.parametrize(
    "recipe",
    [
        {"warmup_epochs": 0, "schedule": "plateau", "patience": 0, "learning_rate": 0.8},
        {"ema_decay": 0.9, "clip_norm": 0.5, "mixup": 0.2, "cutmix": 1.0},
        {"accumulate": 3, "precision": "bf16-mixed", "optimizer": "rmsprop", "learning_rate": 0.01},
    ],
)
def test_every_part_of_a_recipe_goes_on_bit_equal(recipe: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.ckpt"

    def interrupt(record: dict[str, Any]) -> None:
        if record["epoch"] == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(run(epochs=3, **recipe), on_epoch=interrupt, checkpoint=path)
    whole = train(run(epochs=3, **recipe))
    assert train(run(epochs=3, **recipe), checkpoint=path) == whole
    assert whole != ended(epochs=3, warmup_epochs=0)


def test_a_plateau_lowers_the_rate_where_the_loss_does_not_fall() -> None:
    rates: list[float] = []
    recipe = {"warmup_epochs": 0, "schedule": "plateau", "patience": 0, "learning_rate": 1e-6}
    train(run(epochs=4, **recipe), on_epoch=lambda record: rates.append(record["learning_rate"]))
    assert rates[0] == 1e-6
    assert {round(after / before, 6) for before, after in pairwise(rates)} <= {1.0, 0.1}
    assert rates[-1] < 1e-6


def test_a_gpus_precision_is_refused_on_a_cpu() -> None:
    with pytest.raises(SettingError, match=r"needs a GPU, .* use 'bf16-mixed' or '32'"):
        train(run(precision="16-mixed"))


def test_run_b_after_run_a_equals_run_b_alone() -> None:
    alone = ended(seed=1)
    train(run(seed=0, learning_rate=0.5))
    assert train(run(seed=1)) == alone


def test_another_seed_trains_another_network() -> None:
    assert ended(seed=0).val_loss != ended(seed=1).val_loss


def test_training_equals_the_bare_loop_bit_for_bit() -> None:
    wanted = run(seed=0)
    split = on_device(wanted.arm.data, "cpu")
    assert ended(seed=0).val_loss == bare_loop(wanted, split)


def shuffled(**recipe: Any) -> Run:
    attention = Attention(reduction=4, control="shuffled")
    recipe = {"batch_size": 128, "warmup_epochs": 0, "epochs": 1, **recipe}
    return Run(arm=Arm(attention=attention, training=Training(**recipe)), seed=0)


def test_a_shuffled_gate_validates_where_a_single_example_would_be_left_over(monkeypatch) -> None:
    examples = len(on_device(shuffled().arm.data, "cpu").val)
    monkeypatch.setattr(training, "largest_validation_batch", lambda *_, **__: examples - 1)
    assert train(shuffled()).epochs_run == 1


@pytest.mark.parametrize(
    ("recipe", "examples", "world_size", "message"),
    [
        (
            {},
            1,
            1,
            r"`validation examples >= 2` must hold with 1 process\(es\), but got 1\. Use more",
        ),
        ({}, 3, 2, r"`validation examples >= 4` must hold with 2 process\(es\), but got 3\."),
        (
            {"batch_size": 2},
            500,
            2,
            r"`batch_size >= 4` must hold with 2 process\(es\), but got 2\.",
        ),
    ],
)
def test_a_shuffled_gate_that_would_see_a_single_image_is_refused_before_training(
    recipe, examples, world_size, message
) -> None:
    arm = shuffled(**recipe).arm
    with pytest.raises(SettingError, match=message):
        check_batches(arm, train=9999, val=examples, world_size=world_size)
    plain = arm.model_copy(update={"attention": Attention(reduction=4)})
    check_batches(plain, train=9999, val=examples, world_size=world_size)


def test_a_batch_larger_than_the_data_is_refused_before_anything_runs() -> None:
    with pytest.raises(
        SettingError, match=r"`training\.batch_size` must be at most 1258, .* is 1259"
    ):
        train(run(batch_size=1259))
    space = load_space("reduction", {"training.batch_size": 1259})
    with pytest.raises(SettingError, match=r"--set training\.batch_size=629"):
        plan_arm(space, {})


def test_data_other_than_those_planned_are_refused(tmp_path: Path) -> None:
    wanted = run(epochs=1, warmup_epochs=0)
    planned = run_id(wanted.arm, wanted.seed, fingerprint(wanted.arm.data))
    job = {"folder": str(tmp_path), "attempt": 1, "device": "cpu", "threads": 1, "ask": False}
    (tmp_path / "1").mkdir()

    class Deaf:
        stopping = False

        def send(self, message: dict[str, Any]) -> None:
            del message

    context = RunContext({**job, "run": planned}, Deaf())
    assert train_run(wanted.model_dump(), context)["epochs_run"] == 1
    context = RunContext({**job, "run": "0123456789"}, Deaf())
    with pytest.raises(SettingError, match="must be those that the study was planned with"):
        train_run(wanted.model_dump(), context)


def test_training_learns_the_digits() -> None:
    outcome = ended(epochs=4)
    assert outcome.val_accuracy > 0.9
    assert outcome.epochs_run == 4


def test_a_run_measures_its_latency_if_asked_and_nothing_else_changes() -> None:
    plain, measured = ended(seed=0), train(run(measure_latency=True))
    assert plain.latency is None
    assert 0 < measured.latency < 1000
    assert replace(measured, latency=None) == plain
    assert canonical(run(measure_latency=True).arm) == canonical(run().arm)


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch's own call
def test_a_compiled_run_learns_what_the_other_does(tmp_path: Path) -> None:
    # Needs a C++ compiler, and half a minute where nothing is cached.
    plain = train(run(epochs=2))
    gates = tmp_path / "gates.jsonl"
    compiled = train(run(epochs=2, compile="default", record_gates=True), gates=gates)
    assert compiled.val_loss == pytest.approx(plain.val_loss, rel=0.05)
    assert compiled.val_loss != plain.val_loss  # other kernels ran
    assert gates.exists()


def test_a_test_set_is_measured_at_the_end_and_moves_no_other_number(tmp_path: Path) -> None:
    data = {"test": 0.2, "split": "per_seed"}
    wanted = run(epochs=1, warmup_epochs=0, seed=3)
    wanted = wanted.model_copy(update={"arm": wanted.arm.model_copy(update={"data": Data(**data)})})
    seen: list[dict[str, Any]] = []
    path = tmp_path / "checkpoint.ckpt"
    outcome = train(wanted, on_epoch=seen.append, checkpoint=path, checkpoint_seconds=0.0)
    assert not [name for name in seen[0] if name.startswith("test")]
    assert outcome.test is not None
    assert 0 < outcome.test["test_accuracy"] <= 1
    split = on_device(wanted.arm.data, "cpu", 3)
    assert split.test is not None
    # Of as many images as it says: the accuracy is a whole number of them.
    right = outcome.test["test_accuracy"] * len(split.test)
    assert right == pytest.approx(round(right), abs=1e-3)
    assert outcome.test["test_loss"] != outcome.val_loss
    assert ended(seed=0).test is None
