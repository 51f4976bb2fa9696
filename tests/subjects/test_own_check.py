"""`ablate check`: each promise is broken by a program of its own, and found."""

import json
import math
from pathlib import Path

import pytest

from ablations import Metric, Setting, Subject
from ablations.designs.spaces import load_space
from ablations.engine.worker.apart import Done, Job, runs_apart
from ablations.errors import StudyError
from ablations.studies.check import check
from ablations.subjects.attention.data.dataset import fingerprint
from ablations.subjects.attention.settings.groups import Run
from ablations.subjects.attention.settings.identity import run_id
from ablations.subjects.started import FILE, Started


def found(said: str) -> dict[str, bool | None]:
    marks = {"holds": True, "FAILS": False}
    lines = [line.split() for line in said.splitlines()]
    return {words[0]: marks.get(words[1]) for words in lines}


def checked(mine, ablate, function: str) -> tuple[object, dict[str, bool | None], str]:
    (mine / "tried.yaml").write_text(
        f"subject: tried:{function}\nmetric: {{name: loss, direction: minimize}}\n"
        "baseline: {epochs: 5}\nfactors: [{name: epochs, levels: [2, 5]}]\n"
    )
    code, said = ablate("check", "tried.yaml")
    return code, found(said), said


def test_a_program_that_keeps_its_promises_is_told_so(mine, ablate) -> None:
    code, held, said = checked(mine, ablate, "good")
    assert code == 0
    assert {name: held[name] for name in ("metric", "repeats", "seed", "resumes")} == dict.fromkeys(
        ("metric", "repeats", "seed", "resumes"), True
    )
    assert "a run is equal to the last bit" in said


def test_a_metric_that_is_not_measured_is_named(monkeypatch, mine, ablate) -> None:
    def told(*_, **__) -> list[Done]:
        return [Done(error={"type": "NotMeasured", "message": "there is 'loss'.", "traceback": ""})]

    monkeypatch.setattr("ablations.studies.check.runs_apart", told)
    said = "a short run of the baseline fails: there is 'loss'."
    code, alone = ablate("check", "tried:good", "--set", "epochs=2")
    assert (code, said in alone, "Of a program itself say `--metric NAME`." in alone) == (
        2,
        True,
        True,
    )
    code, _, of_a_space = checked(mine, ablate, "good")
    assert (code, said in of_a_space, "--metric" in of_a_space) == (2, True, False)


@pytest.mark.long
@pytest.mark.parametrize(
    ("function", "broken", "words"),
    [
        ("seedless", "seed", "another seed gives the same loss, so seeds would repeat one run"),
        ("tossed", "repeats", "two runs with one seed differ, in `loss` of epoch 1"),
        ("carries", "repeats", "a second run in one process differs, in `loss` of epoch 1"),
        (
            "forgets",
            "resumes",
            "killed (SIGKILL) in its second epoch and gone on with in another process, a run differs in `loss` of "
            "epoch 2",
        ),
    ],
)
def test_a_promise_that_is_broken_is_named(mine, ablate, function, broken, words) -> None:
    code, held, said = checked(mine, ablate, function)
    assert code == 1
    assert held[broken] is False
    assert words in said


def test_a_function_without_epochs_begins_anew_and_cannot_be_pruned(mine, ablate) -> None:
    code, held, said = checked(mine, ablate, "whole")
    assert (code, held["resumes"]) == (0, None)
    assert "reports no epochs, so one that is killed begins anew, and none can be pruned" in said


def test_a_run_that_fails_is_one_sentence_with_the_users_own_line(mine, ablate) -> None:
    code, _, said = checked(mine, ablate, "fails")
    assert code == 2
    (line,) = said.splitlines()
    assert line.startswith("ablate: a short run of the baseline fails: ZeroDivisionError: ")
    assert "(tried.py, line " in line


def test_a_program_is_checked_without_a_space_and_told_in_json(mine, ablate) -> None:
    code, said = ablate("check", "tried:good", "--metric", "loss", "--set", "epochs=2", "--json")
    assert code == 0
    assert {one["name"]: one["holds"] for one in json.loads(said)}["resumes"] is True


def test_a_function_that_measures_another_number_is_told_how_to_name_it(mine, ablate) -> None:
    code, said = ablate("check", "tried:good", "--metric", "other", "--set", "epochs=2")
    assert (code, "'other' must be among what the training measures" in said) == (2, True)
    assert said.strip().endswith("Of a program itself say `--metric NAME`.")


def test_a_process_that_dies_is_told_with_its_last_words(mine) -> None:
    with pytest.raises(
        StudyError, match=r"the process of a run died with exit code 3: my last words\."
    ):
        runs_apart("tried:dies", [Job(run="a", settings={}, folder=str(mine / "a"))], device="cpu")


def test_a_run_is_killed_at_the_second_step_of_its_second_epoch(mine) -> None:
    program = {"metrics": [{"name": "loss", "direction": "minimize"}]}
    settings = {"arm": {"a": 1}, "seed": 0, "subject": "tried:steps", "program": program}
    job = Job(run="a", settings=settings, folder=str(mine / "a"), killed_after=math.inf)
    (killed,) = runs_apart("ablations.subjects.function.run:train_run", [job], device="cpu")
    assert (killed.measured, killed.error) == (None, None)
    assert [one["epoch"] for one in killed.epochs] == [1]
    assert (mine / "a" / "steps.txt").read_text() == "00 01 02 10 11 "
    assert not (mine / "a" / "ended.txt").exists()


def test_each_short_run_bears_the_id_by_which_its_subject_knows_the_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = load_space("reduction")
    asked: list[Job] = []

    def fails(train: str, jobs: list[Job], *, device: str) -> list[Done]:
        asked.extend(jobs)
        return [Done(error={"type": "E", "message": "stop", "traceback": ""}) for _ in jobs]

    monkeypatch.setattr("ablations.studies.check.runs_apart", fails)
    with pytest.raises(StudyError, match=r"a short run of the baseline fails: E: stop\."):
        list(check(space.about, space.baseline))
    [job] = asked
    run = Run(**job.settings)
    assert job.run == run_id(run.arm, run.seed, fingerprint(run.arm.data))


COARSE = Subject(
    name="coarse:SUBJECT",
    train="coarse:train",
    settings={"x": Setting(default=1.0, kinds=frozenset({float}))},
    metrics=(Metric(name="accuracy", direction="maximize"),),
    metric="accuracy",
    epochs=lambda _: 1,
)
"""Its accuracy does not move in a short run."""


@pytest.mark.parametrize(
    ("numbers", "repeats", "seed", "words"),
    [
        ({"other": ("a", 0.1)}, True, False, "another seed gives the same accuracy, so seeds"),
        ({"other": ("a", 0.2)}, True, True, "another run, by `loss` (0.1 and 0.2); after so few"),
        ({"other": ("b", 0.1)}, True, True, "another run, by the weights at the end; after so few"),
        ({"fresh": ("b", 0.1)}, False, None, "two runs with one seed differ, in the weights at the"),
        ({"same": ("b", 0.1)}, False, None, "what else differs says nothing where one seed does not"),
    ],
)  # fmt: skip
def test_a_metric_that_has_not_moved_is_not_all_that_runs_are_compared_by(
    numbers: dict[str, tuple[str, float]],
    repeats: bool,
    seed: bool | None,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended(_: str, jobs: list[Job], *, device: str) -> list[Done]:
        return [done(job) for job in jobs]

    def done(job: Job) -> Done:
        weights, loss = numbers.get(Path(job.folder).name, ("a", 0.1))
        begun = Started(tensors={}, random=(), unnamed=0, elsewhere=(), problems=(), ended=weights)
        attempt = Path(job.folder) / "1"
        attempt.mkdir(parents=True)
        (attempt / FILE).write_text(json.dumps(begun.to_json()))
        return Done(measured={"accuracy": 0.5, "loss": loss})

    monkeypatch.setattr("ablations.studies.check.runs_apart", ended)
    held = {one.name: one for one in check(COARSE, {"x": 1.0})}
    assert (held["repeats"].holds, held["seed"].holds) == (repeats, seed)
    assert words in held["repeats"].said + held["seed"].said


@pytest.mark.integration
def test_a_module_that_measures_coarsely_is_told_by_its_weights(mine, ablate) -> None:
    asked = ("maps:Coarse", "--data", "maps:Images", "--metric", "val_hits")
    code, said = ablate("check", *asked)
    assert (code, found(said)["seed"]) == (0, True)
    assert "another seed gives another run, by the weights at the end" in said
    code, said = ablate("check", *asked, "--set", "model.tossed=true")
    assert (code, found(said)["repeats"]) == (1, False)
    assert "two runs with one seed differ, in the weights at the end" in said


@pytest.mark.integration
def test_a_lightning_module_resumes_to_the_last_bit_and_what_it_keeps_elsewhere_is_found(
    mine, ablate
) -> None:
    good = ablate("check", "maps:Maps", "--data", "maps:Images")
    assert good[0] == 0, good[1]
    assert all(holds is not False for holds in found(good[1]).values())
    code, said = ablate("check", "maps:Kept", "--data", "maps:Images")
    assert code == 1
    assert found(said)["resumes"] is False
    assert "something that it needs is not in what it goes on from" in said
