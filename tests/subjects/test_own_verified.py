"""Arms of a user's program, verified by two steps before the first run; its data, identified; its time, estimated."""

import logging
import sys

import pytest
import torch

from ablations import load_space
from ablations.designs.expand import expand, plan_arm, verify
from ablations.errors import SettingError, StudyError
from ablations.studies.declaration import declare
from ablations.studies.opening import open_or_create
from ablations.subjects import find
from ablations.subjects.own_module.pilot import Paced, pace

SPACE = """
subject: maps:Maps
data: maps:Images
metric: {name: val_loss, direction: minimize}
trainer: {max_epochs: 12}
baseline: {model.rate: 0.1}
factors: [FACTORS]
seeds: 2
"""


def written(mine, factor: str, **words: str) -> str:
    text = SPACE.replace("FACTORS", factor)
    for old, new in words.items():
        text = text.replace(f"maps:{old}", f"maps:{new}")
    (mine / "maps.yaml").write_text(text)
    return "maps.yaml"


def rows(mine, factor: str, **words: str):
    space = load_space(written(mine, factor, **words))
    return verify(space, expand(space, design="loco"))


def test_an_arm_is_told_by_what_it_changes_and_what_it_shares(mine) -> None:
    base, wide = rows(mine, "{name: model.width, levels: [8, 16]}")
    assert (base.problem, wide.problem, wide.changed) == (None, None, ("model.width",))
    assert wide.params_change > 0
    assert "net.second.weight" in wide.reshaped
    assert "first batches equal" in wide.pairing
    assert wide.output_change > 0


@pytest.mark.parametrize(
    ("factor", "problem"),
    [
        ("{name: model.ignored, levels: [0, 1]}", "'ignored=1' changes nothing: model.ignored made no difference"),
        ("{name: data.workers, levels: [0, 1]}", "'workers=1' changes nothing"),
    ],
)  # fmt: skip
def test_an_argument_that_changes_nothing_is_refused_before_the_first_run(
    mine, ablate, factor: str, problem: str
) -> None:
    code, said = ablate("run", written(mine, factor), "--study", "m")
    assert code == 2
    assert problem in said
    assert not (mine / "runs").exists()


def test_two_arms_that_are_one_are_named(mine) -> None:
    space = load_space(
        written(
            mine, "{name: model.rate, levels: [0.1, 0.2]}, {name: model.ignored, levels: [0, 1]}"
        )
    )
    problems = [row.problem for row in verify(space, expand(space, design="grid")) if row.problem]
    assert any(
        "'rate=0.2, ignored=1' and 'rate=0.2' are one program." in one or "are one program" in one
        for one in problems
    )


@pytest.mark.parametrize(
    ("factor", "warning"),
    [
        ("{name: model.noisy_from, levels: [9, 10]}", "model.noisy_from acts later than in two steps (seen in 12"),
        ("{name: model.step_size, levels: [50, 60]}", "model.step_size changes a schedule that acts later"),
        ("{name: trainer.max_epochs, levels: [12, 15]}", "trainer.max_epochs can act later than in two steps"),
    ],
)  # fmt: skip
def test_what_acts_later_only_is_warned_about_and_not_refused(
    mine, ablate, factor: str, warning: str
) -> None:
    code, said = ablate("show", written(mine, factor), "--verify", "--design", "loco")
    assert code == 0
    assert warning in said


def test_an_arm_that_diverges_may_run_and_one_that_raises_may_not(mine) -> None:
    _, far = rows(mine, "{name: model.rate, levels: [0.1, 1.0e+38]}")
    assert (far.problem, len(far.warnings)) == (None, 1)
    _, broken = rows(mine, "{name: model.broken, levels: [false, true]}")
    assert broken.problem == (
        "'broken=True' cannot be trained for two steps: ZeroDivisionError: a mistake of mine "
        "(maps.py, line 46)."
    )


def test_a_step_that_raises_is_the_users_own_line_in_a_dry_run_too(mine, ablate) -> None:
    name = written(mine, "{name: model.broken, levels: [false, true]}")
    code, said = ablate("run", name, "--dry-run")
    assert code == 2
    assert "`maps:Maps(" in said
    assert "broken=True" in said
    assert (
        ")` cannot be trained for a few steps: ZeroDivisionError: a mistake of mine (maps.py, line 46)."
        in said
    )


def test_a_baseline_that_does_not_repeat_is_told_so(mine) -> None:
    text = written(mine, "{name: model.ignored, levels: [0, 1]}")
    (mine / text).write_text(
        (mine / text).read_text().replace("model.rate: 0.1", "model.tossed: true")
    )
    space = load_space(text)
    base, *_ = verify(space, expand(space, design="loco"))
    assert "two trainings of the baseline with one seed differ" in base.warnings[-1]


FACTOR = "{name: model.width, levels: [8, 16]}"


@pytest.mark.parametrize(
    ("data", "fingerprint", "by", "parts"),
    [
        ("Named", "fingerprint: maps.py\n", "method", {"fingerprint()": "images of 2026"}),
        ("Images", "fingerprint: maps.py\n", "files", {"maps.py"}),
        ("Images", "", "batches", {"batch 1", "batch 2"}),
        ("Tossed", "", "nothing", set()),
    ],
)
def test_data_are_identified_by_the_strongest_that_there_is(
    mine, ablate, data: str, fingerprint: str, by: str, parts: object
) -> None:
    text = written(mine, FACTOR, Images=data)
    (mine / text).write_text(fingerprint + (mine / text).read_text())
    space = load_space(text)
    found = space.about.identify(space.baseline)
    assert found.by == by
    assert found.parts == parts if isinstance(parts, dict) else set(found.parts) == parts
    assert found.sentence() in ablate("show", text)[1]


def declared(text: str) -> dict:
    """What a study of the space says of itself."""
    find._found.cache_clear()
    space = load_space(text)
    return declare(space, plan_arm(space, {}), study="m", design="loco", seeds=[0])


def test_other_first_batches_are_drift_that_is_shown_and_may_be_allowed(
    mine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = written(mine, FACTOR)
    open_or_create(mine / "m", declared(text))
    torch.manual_seed(7)
    open_or_create(mine / "m", declared(text))  # the same again is no drift
    maps = sys.modules["maps"]
    monkeypatch.setattr(maps, "images", lambda n, seed, was=maps.images: was(n, seed + 2))
    message = (
        r"with other code, versions or data:\n  data, batch 1: \w{16} -> \w{16}\n  data, batch 2: "
    )
    with pytest.raises(StudyError, match=message):
        open_or_create(mine / "m", declared(text))
    folder = open_or_create(mine / "m", declared(text), allow_drift=True)
    assert len(folder.declaration()["drifts"]) == 1


def test_another_file_of_the_data_is_another_study_and_is_named(mine) -> None:
    (mine / "a.csv").write_text("1\n")
    text = written(mine, FACTOR)
    (mine / text).write_text("fingerprint: '*.csv'\n" + (mine / text).read_text())
    open_or_create(mine / "m", declared(text))
    (mine / "a.csv").write_text("2\n")
    with pytest.raises(
        StudyError, match=r"(?s)holds another study.*\n  data a\.csv: \w{16} -> \w{16}"
    ):
        open_or_create(mine / "m", declared(text), allow_drift=True)


def test_the_pilot_counts_what_an_epoch_has(mine, monkeypatch: pytest.MonkeyPatch) -> None:
    space = load_space(written(mine, FACTOR))
    notes: list[logging.LogRecord] = []
    hears = logging.Handler()
    monkeypatch.setattr(hears, "emit", notes.append)
    monkeypatch.setattr(logging.getLogger("lightning.pytorch"), "handlers", [hears])
    found = pace("maps:Maps", space.program, {**space.baseline, "trainer.deterministic": True})
    assert torch.get_deterministic_debug_mode() == 0  # the process is the user's
    assert notes == []
    assert (found.per_epoch, found.checks_per_epoch) == (3, 2)
    assert len(found.steps) == 3 * 12 or len(found.steps) == 20
    by_hand = Paced(steps=[9.0, 0.25, 0.25], per_epoch=4, checks=[0.5], checks_per_epoch=2)
    assert by_hand.epoch == 4 * 0.25 + 2 * 0.5


def test_a_dry_run_says_how_long_a_study_takes(mine, ablate) -> None:
    code, said = ablate("run", written(mine, FACTOR), "--dry-run")
    assert code == 0
    assert "for 4 runs on" in said
    assert "from a few steps of each arm, alone on this machine's" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("maps:Images", "maps", r"`data` must name a LightningDataModule, .* but got 'maps'"),
        ("maps:Images", "maps:COUNTER", r"`data` must name a LightningDataModule, .* but got 'maps:COUNTER'"),
        ("{name: val_loss, direction: minimize}", "val_loss", r"`metric` must say which way is better, for example"),
        ("name: val_loss", 'name: ""', r"name"),
        ("max_epochs: 12", "max_epochs: two", r"must be a whole number of at least 1, but got 'two'"),
        ("max_epochs: 12", "max_epochs: 0", r"`trainer\.max_epochs` must be a whole number of at least 1, but got 0"),
        ("max_epochs: 12", "max_epochs: 2, devices: 2", r"`trainer\.devices` is set by the framework"),
        ("model.rate: 0.1", "model.rat: 0.1", r"Did you mean 'model\.rate'\?"),
        ("model.rate: 0.1", "model.rate: fast", r"`model\.rate` must be float, but got 'fast'"),
    ],
)  # fmt: skip
def test_a_space_that_says_something_else_is_refused_when_it_is_read(
    mine, old: str, new: str, message: str
) -> None:
    text = written(mine, FACTOR)
    (mine / text).write_text((mine / text).read_text().replace(old, new))
    with pytest.raises(SettingError, match=message) as error:
        load_space(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ({"Images": "Unchecked"}, "nothing is validated: that may be why"),
        ({"Images": "Empty"}, "the loader gives no batch"),
        ({"Images": "Absent"}, "FileNotFoundError: no images in /data"),
        ({"Maps": "Numberless"}, "`val_loss` must be finite, but is nan"),
    ],
)
def test_a_program_that_cannot_be_trained_is_one_sentence_before_the_first_run(
    mine, ablate, program: dict[str, str], message: str
) -> None:
    code, said = ablate("run", written(mine, FACTOR, **program), "--study", "m")
    assert code == 2
    (line,) = said.splitlines()
    assert line.startswith("ablate: the baseline cannot be trained: ")
    assert message in line
    assert not (mine / "runs").exists()
