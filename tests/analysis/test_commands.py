"""The reading commands as a user types them: real arguments in, text or JSON out."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.cli.main import main

Make = Callable[..., Path]
SENET = "reduction,val_loss\n2,22.29\n4,22.25\n8,22.26\n16,22.28\n32,22.72\n"
BLOCKS = ["--blocks", "3x256,4x512,6x1024,3x2048"]
CROSSED = {
    "attention.squeeze": {"avg": 0.0, "max": 0.03},
    "attention.gate": {"sigmoid": 0.0, "one_plus_tanh": 0.0},
}


@pytest.fixture
def ablate(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command in this process and returns what it printed; a non-zero exit is an error."""

    def run(*arguments: object) -> str:
        try:
            main([str(a) for a in arguments])
        except SystemExit as stop:
            if stop.code:
                raise
        return capsys.readouterr().out

    return run


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command says on the error stream when it exits with 2."""
    with pytest.raises(SystemExit, match="2"):
        main([str(a) for a in arguments])
    return capsys.readouterr().err


@pytest.fixture
def senet(tmp_path: Path) -> Path:
    path = tmp_path / "senet.csv"
    path.write_text(SENET, encoding="utf-8")
    return path


def test_the_published_table_is_fitted_and_its_limits_are_told(
    ablate: Callable[..., str], senet: Path
) -> None:
    found = json.loads(ablate("fit", senet, *BLOCKS, "--price-per-param", 1e-7, "--json"))
    assert found["kappa"] == pytest.approx(9.10e-4, rel=1e-3)
    assert found["interval"] == "classical"
    assert found["flags"] == ["knows_no_seeds", "lack_of_fit_untestable"]
    assert (found["status"], found["basis"]) == ("single_seed", "theory")
    assert found["without_largest"]["status"] == "lower_bound_only"
    text = ablate("fit", senet, *BLOCKS)
    assert "one run per ratio: the interval knows nothing of seeds" in text
    assert "the smaller ratios neither show the rise nor contradict it" in text


def test_a_budget_and_a_sweep_can_be_asked_for(ablate: Callable[..., str], senet: Path) -> None:
    budget = json.loads(ablate("fit", senet, *BLOCKS, "--budget", 2.6e6, "--json"))
    assert budget["r_star"] == pytest.approx(15.4766, rel=1e-4)
    implied = json.loads(ablate("fit", senet, *BLOCKS, "--implied-by", 16, "--json"))
    assert implied["price"]["per_param"] == pytest.approx(9.27e-8, rel=1e-3)
    assert "r* by price" in ablate("fit", senet, *BLOCKS, "--sweep")


def test_a_status_other_than_ok_is_an_answer(ablate: Callable[..., str], make_study: Make) -> None:
    folder = make_study(kappa=-5e-5, sigma=0.001)
    found = json.loads(ablate("fit", folder, "--price-per-param", 1e-6, "--json"))
    assert (found["status"], found["r_star"]) == ("decreasing", None)


def test_a_study_is_found_by_its_name_and_a_folder_gives_all(
    ablate: Callable[..., str], make_study: Make, tmp_path: Path
) -> None:
    make_study("one")
    make_study("two")
    assert ablate("fit", "one", "--root", tmp_path / "runs").startswith(
        "one: the loss rises with r"
    )
    both = json.loads(ablate("fit", tmp_path / "runs", "--json"))
    assert list(both) == ["one", "two"]


def test_effects_are_printed_with_their_verdicts(
    ablate: Callable[..., str], make_study: Make
) -> None:
    folder = make_study(effects=CROSSED, seeds=8, sigma=0.004)
    text = ablate("effects", folder, "--margin", 0.012)
    assert "squeeze=max (over 2 backgrounds) matters: it raises val_loss" in text
    assert "Exploratory: the margin was given after the runs" in text
    found = json.loads(ablate("effects", folder, "--margin", 0.012, "--json"))
    verdict = {row["label"]: row["verdict"] for row in found["effects"] if row["role"] == "factor"}
    assert verdict == {"squeeze=max": "matters", "gate=one_plus_tanh": "negligible"}


def test_a_csv_gets_its_baseline_from_the_command_line(
    ablate: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "runs.csv"
    rows = [
        f"{g},{s},{1 + 0.1 * (g == 'b') + 0.001 * s * (g == 'a')}" for s in range(4) for g in "ab"
    ]
    path.write_text("gate,seed,val_loss\n" + "\n".join(rows) + "\n", encoding="utf-8")
    first = json.loads(ablate("effects", path, "--json"))["effects"][0]
    other = json.loads(ablate("effects", path, "--baseline", "gate=b", "--json"))["effects"][0]
    assert (first["against"], other["against"]) == ("a", "b")
    assert other["estimate"] == pytest.approx(-first["estimate"])


def test_each_interval_of_the_effects_has_its_own_level(
    ablate: Callable[..., str], make_study: Make
) -> None:
    folder = make_study(effects=CROSSED)
    assert "(intervals: 95 % marginal, then 95 % simultaneous)" in ablate("effects", folder)
    text = ablate("effects", folder, "--alpha", 0.2)
    assert "(intervals: 95 % marginal, then 80 % simultaneous)" in text


def test_two_tables_are_compared_against_a_baseline_that_is_named(
    ablate: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, arms in (("one", "ab"), ("two", "ba")):
        rows = [f"{g},{s},{1 + 0.1 * (g == 'b') + 0.001 * s}" for s in range(4) for g in arms]
        (tmp_path / f"{name}.csv").write_text(
            "gate,seed,val_loss\n" + "\n".join(rows) + "\n", "utf-8"
        )
    both = [tmp_path / "one.csv", tmp_path / "two.csv"]
    said = " ".join(refused(capsys, "compare", *both).split())
    assert "one is compared with its baseline gate=a, two with gate=b" in said
    assert "Nobody named the baseline of one: its first run's gate was taken" in ablate(
        "compare", both[0], both[0]
    ).replace("one (1)", "one")
    text = ablate("compare", *both, "--baseline", "gate=b")
    assert "Nobody" not in text
    assert "Differences are against the baseline gate=b." in text
    assert ablate("effects", both[1]).splitlines()[:2] == [
        "Read: val_loss (smaller is better, by its name); factors: gate. The baseline is gate=b, that of the first "
        "run, since nobody named one.",
        "two: val_loss against the baseline gate=b",
    ]


def test_an_optuna_study_gets_its_baseline_from_the_command_line(
    ablate: Callable[..., str], tmp_path: Path
) -> None:
    import optuna

    url = f"sqlite:///{tmp_path / 'a.db'}"
    study = optuna.create_study(storage=url, study_name="mine")
    spread = optuna.distributions.CategoricalDistribution(["a", "b"])
    for seed in range(3):
        for gate in ("a", "b"):
            study.add_trial(
                optuna.trial.create_trial(
                    params={"gate": gate}, distributions={"gate": spread}, user_attrs={"seed": seed},
                    value=1.0 + 0.1 * (gate == "b") + 0.01 * seed * (gate == "a"),
                )
            )  # fmt: skip
    found = json.loads(ablate("effects", f"{url}#mine", "--baseline", "gate=b", "--json"))
    assert (found["baseline"], found["baseline_assumed"]) == ("gate=b", [])


def test_width_importance_and_compare_answer_in_json(
    ablate: Callable[..., str], make_study: Make
) -> None:
    a = make_study("a", channels=(64,), sigma=0.002)
    b = make_study("b", channels=(128,), sigma=0.002, random=1)
    assert {"slope", "slope_ci", "p_theory", "p_rival"} <= set(
        json.loads(ablate("width", a, b, "--json"))
    )
    shares = json.loads(ablate("importance", a, "--permutations", 1, "--json"))["shares"]
    assert {row["factor"] for row in shares} == {"attention.reduction", "noise"}
    compared = json.loads(ablate("compare", a, b, "--json"))["comparisons"]
    assert len(compared) == 4


def test_a_plan_comes_from_a_space_alone_from_noise_or_from_a_pilot(
    ablate: Callable[..., str], make_study: Make
) -> None:
    bare = json.loads(ablate("plan", "reduction", "--json"))
    assert bare["ratio"] is None
    assert len(bare["by_snr"]) == 5
    given = json.loads(ablate("plan", "reduction", "--snr", 4, "--sigma", 0.01, "--json"))
    assert given["ratio"]["seeds"] is not None
    pilot = make_study(sigma=0.004, kappa=2e-4)
    from_pilot = json.loads(
        ablate("plan", "reduction", "--pilot", pilot, "--budget-hours", 1, "--json")
    )
    assert from_pilot["ratio"]["affordable"] >= 3
    assert from_pilot["effects"]["sigma"] == pytest.approx(0.004, rel=0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "nothing.csv"], "there is no study and no file 'nothing.csv'"),
        (["fit", "SENET", "--price-per-param", "1", "--budget", "2"],
         "give one price only, but got --price-per-param, --budget"),
        (["fit", "SENET", "--price-per-param", "1"], "a price needs the network's channels"),
        (["effects", "SENET", "--baseline", "gate"], "`--baseline` must read FACTOR=LEVEL, but got 'gate'"),
        (["width"], "TABLES requires an argument"),
        (["plan", "gate", "--design", "search"],
         'Choose from: "grid", "loco", "one-in", "fractional", "zip".'),
        (["plan", "gate", "--effect", "0.1"],
         "effects need their noise: give --sigma, or --pilot auto to measure it"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_answer_says_why_in_one_line(
    capsys: pytest.CaptureFixture[str], senet: Path, arguments: list[str], message: str
) -> None:
    said = refused(capsys, *(str(senet) if a == "SENET" else a for a in arguments))
    assert message in " ".join(said.split())
    assert "Traceback" not in said


def test_one_run_per_arm_gives_estimates_without_verdicts_in_every_command(
    ablate: Callable[..., str], senet: Path
) -> None:
    found = json.loads(ablate("effects", senet, "--baseline", "reduction=2", "--json"))
    assert {row["verdict"] for row in found["effects"]} == {"untested"}
    assert json.loads(ablate("fit", senet, *BLOCKS, "--json"))["status"] == "single_seed"


def test_a_metric_whose_name_says_no_direction_is_asked_for(
    ablate: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [f"{g},{s},{1 + 0.1 * (g == 'b') + 0.01 * s * s}" for s in range(4) for g in "ab"]
    path = tmp_path / "own.csv"
    path.write_text("gate,seed,quality\n" + "\n".join(rows) + "\n", "utf-8")
    said = " ".join(refused(capsys, "effects", path, "--metric", "quality").split())
    assert "whether `quality` is to be made small or large is not known from its name" in said
    text = ablate("effects", path, "--metric", "quality", "--direction", "maximize")
    assert text.startswith("Read: quality (larger is better); factors: gate.")


def test_a_factor_that_has_a_columns_name_is_said_and_can_be_named(
    ablate: Callable[..., str], tmp_path: Path
) -> None:
    rows = [
        f"{g},{h},{s},{1 + 0.1 * h / 64 + 0.01 * s * s}"
        for s in range(3)
        for g in "ab"
        for h in (64, 128)
    ]
    path = tmp_path / "own.csv"
    path.write_text("gate,device,seed,val_loss\n" + "\n".join(rows) + "\n", "utf-8")
    named = ablate("effects", path, "--factors", "gate,device", "--baseline", "device=64")
    assert "factors: gate, device." in named.splitlines()[0]
    assert "device=128" in named


@pytest.mark.parametrize(
    "words",
    [("fit", "digitz"), ("compare", "digits", "digitz"), ("plan", "gate", "--pilot", "digitz")],
)
def test_a_misspelt_study_is_answered_with_the_nearest(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], make_study: Make, tmp_path: Path
) -> None:
    make_study("digits")
    make_study("other")
    root = ("--root", tmp_path / "runs")
    said = refused(capsys, *words, *root)
    assert said == "ablate: there is no study and no file 'digitz'. Did you mean 'digits'?\n"
    said = refused(capsys, "fit", "zzz", *root)
    assert f"no file 'zzz'. Studies in {tmp_path / 'runs'}/: digits, other." in said


def test_a_misspelt_file_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], senet: Path
) -> None:
    said = refused(capsys, "fit", senet.with_name("sennet.csv"))
    assert f"Did you mean {str(senet)!r}?" in said


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 1, d: 2}\n", "seeds: 5\n"])
def test_a_space_is_not_taken_for_a_table(
    text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    said = refused(capsys, "fit", tmp_path / "mine.yaml")
    assert "mine.yaml is not a CSV table: it is a YAML file. What is read: a CSV file" in said


def test_the_help_imports_neither_pandas_nor_scipy() -> None:
    code = (
        "import sys\nfrom ablations.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('pandas', 'scipy', 'torch', 'optuna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
