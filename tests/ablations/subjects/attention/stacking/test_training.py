"""Whole runs in step: threads of one process, each with its own trainer."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ablations.errors import NonFinite
from ablations.lockstep import Lockstep
from ablations.subjects.attention.settings.groups import Arm, Attention, Run, Training
from ablations.subjects.attention.training import run as training
from ablations.subjects.attention.training.run import Outcome, train, train_run
from ablations.subjects.attention.training.stepping import SteppingClassifier

SECONDS = 60
ROUNDING = 1e-4
"""What float32 may do to a loss in a dozen steps; another seed differs by some hundredths."""


def run(seed: int = 0, *, recipe: dict[str, Any] | None = None, **attention: Any) -> Run:
    # A small rate, so that rounding is not amplified.
    given = {"batch_size": 256, "warmup_epochs": 0, "epochs": 2, "learning_rate": 0.01}
    given |= recipe or {}
    arm = Arm(attention=Attention(**{"reduction": 4, **attention}), training=Training(**given))
    return Run(arm=arm, seed=seed)


def in_step(*runs: Run, **options: Callable[[int], Any]) -> list[Outcome | BaseException]:
    """What came of each run; `options` give each run's own, by its number."""
    lockstep = Lockstep()
    ended: dict[int, Outcome | BaseException] = {}

    def train_one(number: int) -> None:
        mine = {name: option(number) for name, option in options.items()}
        with lockstep.joined():
            try:
                ended[number] = train(runs[number], lockstep=lockstep, **mine)
            except BaseException as error:
                ended[number] = error

    threads = [threading.Thread(target=train_one, args=(i,), daemon=True) for i in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(ended) == len(runs), "a run hangs"
    return [ended[number] for number in range(len(runs))]


def assert_near(ended: Outcome | BaseException, alone: Outcome, *, stacked: int | None) -> None:
    assert isinstance(ended, Outcome), ended
    assert ended.val_loss == pytest.approx(alone.val_loss, abs=ROUNDING)
    assert ended.train_loss == pytest.approx(alone.train_loss, abs=ROUNDING)
    assert (ended.epochs_run, ended.stacked) == (alone.epochs_run, stacked)


def test_runs_in_step_end_as_alone_up_to_rounding() -> None:
    seeds = [run(seed) for seed in range(3)]
    alone = [train(each) for each in seeds]
    for ended, expected in zip(in_step(*seeds), alone, strict=True):
        assert_near(ended, expected, stacked=3)
    assert abs(alone[0].val_loss - alone[1].val_loss) > 10 * ROUNDING


def test_runs_without_a_mate_are_equal_bit_for_bit() -> None:
    apart = [run(), run(placement="post"), run(placement="none")]
    for ended, expected in zip(in_step(*apart), [train(each) for each in apart], strict=True):
        assert isinstance(ended, Outcome)
        assert ended.val_loss == expected.val_loss
        assert ended.stacked == 1


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch's own call
@pytest.mark.parametrize(
    "alone",
    [{"gate": "torch:sigmoid"}, {"recipe": {"compile": "default"}}],
    ids=["own", "compiled"],
)
def test_own_attention_and_compiled_networks_meet_nobody(alone: dict[str, Any]) -> None:
    def made(seed: int) -> SteppingClassifier:
        arm = run(seed, **alone).arm
        return SteppingClassifier(
            Lockstep(), in_channels=1, classes=10, seed=seed, training=arm.training,
            **arm.attention.model_dump(),
        )  # fmt: skip

    assert made(0)._structure is None


@pytest.mark.long
def test_a_run_that_diverges_leaves_the_others_alone() -> None:
    bad = run(1, recipe={"learning_rate": 1e30, "optimizer": "sgd"})
    first, diverged, third = in_step(run(0), bad, run(2))
    assert isinstance(diverged, NonFinite)
    assert_near(first, train(run(0)), stacked=3)
    assert_near(third, train(run(2)), stacked=3)


@pytest.mark.long
def test_runs_of_other_lengths_leave_one_by_one() -> None:
    lengths = [run(seed, recipe={"epochs": 1 + seed}) for seed in range(3)]
    for ended, each in zip(in_step(*lengths), lengths, strict=True):
        assert_near(ended, train(each), stacked=3)


class Interrupted(Exception):
    pass


@pytest.mark.long
def test_a_run_goes_on_in_step_from_a_checkpoint_that_it_wrote_alone(tmp_path: Path) -> None:
    def interrupt(_: dict[str, Any]) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        train(run(0), on_epoch=interrupt, checkpoint=tmp_path / "0.ckpt")
    resumed, fresh = in_step(run(0), run(1), checkpoint=lambda i: tmp_path / f"{i}.ckpt")
    assert_near(resumed, train(run(0)), stacked=2)
    assert_near(fresh, train(run(1)), stacked=2)


@pytest.mark.long
def test_a_run_goes_on_alone_from_a_checkpoint_that_it_wrote_in_step(tmp_path: Path) -> None:
    def interrupt(_: dict[str, Any]) -> None:
        raise Interrupted

    for ended in in_step(
        run(0), run(1), checkpoint=lambda i: tmp_path / f"{i}.ckpt", on_epoch=lambda _: interrupt
    ):
        assert isinstance(ended, Interrupted)
    for seed in (0, 1):
        resumed = train(run(seed), checkpoint=tmp_path / f"{seed}.ckpt")
        assert_near(resumed, train(run(seed)), stacked=None)


@pytest.mark.long
def test_what_the_gates_do_is_recorded_in_step(tmp_path: Path) -> None:
    recorded = [run(seed, recipe={"record_gates": True}) for seed in (0, 1)]
    in_step(*recorded, gates=lambda i: tmp_path / f"{i}.jsonl")
    train(recorded[1], gates=tmp_path / "alone.jsonl")
    together, other, alone = (
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in ("1", "0", "alone")
    )
    assert together
    assert together != other
    for mine, theirs in zip(together, alone, strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in theirs.items():
            if isinstance(value, float):
                assert mine[name] == pytest.approx(value, abs=ROUNDING), name
    assert any(isinstance(value, float) for value in alone[0].values())


@pytest.mark.long
def test_attention_with_its_own_learning_rate_trains_in_step() -> None:
    recipe = {"attention_learning_rate": 30.0}
    own = [run(seed, recipe=recipe) for seed in (0, 1)]
    for ended, each in zip(in_step(*own), own, strict=True):
        assert_near(ended, train(each), stacked=2)
    assert abs(train(own[0]).train_loss - train(run(0)).train_loss) > 10 * ROUNDING


@pytest.mark.long
def test_adamw_trains_in_step() -> None:
    own = [run(seed, recipe={"optimizer": "adamw", "learning_rate": 1e-3}) for seed in (0, 1)]
    for ended, each in zip(in_step(*own), own, strict=True):
        assert_near(ended, train(each), stacked=2)


@pytest.mark.long
def test_an_average_of_the_weights_and_a_clipped_gradient_train_in_step() -> None:
    recipe = {"ema_decay": 0.9, "clip_norm": 0.5, "schedule": "one_cycle"}
    own = [run(seed, recipe=recipe) for seed in (0, 1)]
    for ended, each in zip(in_step(*own), own, strict=True):
        assert_near(ended, train(each), stacked=2)
    assert abs(train(own[0]).val_loss - train(run(0)).val_loss) > 10 * ROUNDING


@pytest.mark.long
def test_mixed_images_are_trained_alone() -> None:
    own = [run(seed, recipe={"mixup": 0.5}) for seed in (0, 1)]
    for ended, each in zip(in_step(*own), own, strict=True):
        assert_near(ended, train(each), stacked=1)


def test_a_checkpoint_in_step_holds_the_runs_own_weights_only(tmp_path: Path) -> None:
    def interrupt(_: dict[str, Any]) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        train(run(0), on_epoch=interrupt, checkpoint=tmp_path / "alone.ckpt")
    in_step(
        *(run(seed) for seed in range(4)),
        checkpoint=lambda i: tmp_path / f"{i}.ckpt",
        on_epoch=lambda _: interrupt,
    )
    alone = (tmp_path / "alone.ckpt").stat().st_size
    assert (tmp_path / "0.ckpt").stat().st_size == pytest.approx(alone, rel=0.02)


def test_data_are_read_by_one_run_at_a_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A function of the user's may seed a global generator."""
    lockstep, reading, most = Lockstep(), 0, 0

    def fingerprint(_: object) -> str:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        time.sleep(0.02)  # long enough for another thread to come in
        reading -= 1
        return "data"

    monkeypatch.setattr(training, "fingerprint", fingerprint)
    monkeypatch.setattr(training, "run_id", lambda *_: "planned")
    done = Outcome(epochs_run=1, train_loss=1, val_loss=1, val_accuracy=0, device="cpu")
    monkeypatch.setattr(training, "train", lambda _, **__: done)
    context: Any = SimpleNamespace(
        run="planned", folder=tmp_path, attempt_folder=tmp_path, device="cpu", threads=1, rank=0,
        world_size=1, epoch=None, beat=None, lockstep=lockstep, checkpoint_seconds=10, checkpoint_minutes=10,
    )  # fmt: skip
    settings = run().model_dump(mode="json")
    with ThreadPoolExecutor(3) as threads:
        outcomes = list(threads.map(lambda _: train_run(settings, context), range(3)))
    assert [outcome["val_loss"] for outcome in outcomes] == [1, 1, 1]
    assert most == 1
