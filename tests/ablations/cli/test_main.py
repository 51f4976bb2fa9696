import importlib
import re
import tomllib
from pathlib import Path

import pytest

from ablations.cli.main import COMMANDS, _said, app, main


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and standard error of a command that fails."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return int(left.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rum", "reduction"], "`command` must be"),
        (["show", "reducton"], "'reduction'"),
        (["show", "reduction", "--design", "gird"], 'Did you mean "grid"?'),
        (["show", "reduction", "--sedes", "3"], "Did you mean --seeds?"),
        (["show"], "SPACE requires an argument"),
        (["show", "reduction", "--set", "training.epoch=3"], "'training.epochs'"),
        (["show", "reduction", "--set", "training.epochs"], "must be given as name=value"),
        (
            ["show", "reduction", "--set", "training.epochs=0"],
            "`epochs >= 1` must hold, but got 0",
        ),
        (["show", "reduction", "--set", "data.name=digit"], "Did you mean 'digits'?"),
        (["run", "reduction", "--study", "a/b"], "must be a plain folder name, but got 'a/b'"),
        (["run", "reduction", "--workers", "0"], "`workers >= 1` must hold, but got 0"),
        (["run", "full", "--design", "search", "--sampler", "tpee"], "Did you mean 'tpe'?"),
        (
            ["run", "full", "--design", "search", "--trials", "0"],
            "`trials >= 1` and `seeds >= 1` must hold, but got 0 and 1",
        ),
        (["run", "gate", "--trials", "5"], "`--trials` belongs to a search: add --design search"),
        (["run", "gate", "--seeds", "0"], "`seeds >= 1` must hold, but got 0"),
        (["run", "gate", "--dry-run", "--seeds", "-2"], "`seeds >= 1` must hold, but got -2"),
        (
            ["run", "full", "--design", "search", "--objectives", "val_los"],
            "Did you mean 'val_loss'?",
        ),
        (
            ["run", "full", "--design", "search", "--dry-run", "--sampler", "tpee"],
            "Did you mean 'tpe'?",
        ),
        (
            ["run", "full", "--design", "search", "--per-arm", "attention.gat"],
            "'attention.gate'",
        ),
        (
            ["run", "full", "--design", "search", "--per-arm", "gate"],
            "but got 'gate'. Did you mean 'attention.gate'?",
        ),
        (["show", "gate", "--set", "gate=sigmoid"], "the nearest is 'attention.gate'"),
        (["spaces", "extra"], "`ablate spaces` takes no further words, but got 'extra'."),
        (["status", "a", "b", "c"], "`ablate status` takes no further words, but got 'b', 'c'."),
        (["plot", "digits"], "parameter NAME requires an argument"),
        (["compare", "digits"], "parameter STUDY_B requires an argument"),
        (["fit"], "parameter TABLE requires an argument"),
        (
            ["show", "recipe", "--verify"],
            "`--verify` builds every arm of a design, but a search has no list of arms.",
        ),
        (["show", "recipe", "--design", "grid"], "or use the design `search`"),
        (["compare", "one", "two"], "there is no study and no file 'one', nor any study in runs/"),
        (["run", "gate", "--address", "auto"], "add --executor ray"),
        (["run", "gate", "--slurm", "partition=x"], "add --executor slurm"),
        (["run", "gate", "--executor", "slurm"], "`--workers` must say how many Slurm jobs"),
        (["run", "gate", "--executor", "rai"], 'Did you mean "ray"?'),
        (["run", "gate", "--stack", "0"], "`--stack` must be at least 1, but is 0"),
        (
            ["run", "gate", "--executor", "ray", "--stack", "0"],
            "`--stack` must be at least 1, but is 0",
        ),
        (
            ["run", "gate", "--dry-run", "--executor", "ray", "--stack", "5"],
            "leave out --executor ray",
        ),
        (
            ["run", "gate", "--stack", "5", "--gpus-per-run", "2"],
            "`--stack` must be 1 where a run has several GPUs, but is 5 with --gpus-per-run 2. Give each run",
        ),
        (
            ["run", "gate", "--executor", "ray", "--stack", "5"],
            "`--stack` belongs to this machine's own executor: leave out --executor ray, or --stack 5.",
        ),
        (
            ["run", "gate", "--executor", "slurm", "--workers", "2", "--stack", "5"],
            "`--stack` belongs to this machine's own executor: leave out --executor slurm, or --stack 5.",
        ),
        (
            ["run", "full", "--design", "search", "--stack", "5", "--dry-run"],
            "`stack` must be 1 in a search, but got 5: a search proposes one run after another. Stack the runs "
            "of `ablate confirm` instead.",
        ),
        (
            ["run", "gate", "--storage", "postgresql://me:secret@host/db"],
            "must not hold a password",
        ),
        (["status", "nothing"], "start one with `ablate run SPACE`"),
        (["confirm", "nothing"], "start one with `ablate run SPACE`"),
        (["report", "nothing"], "start one with `ablate run SPACE`"),
        (["reproduce", "nothing", "abc"], "start one with `ablate run SPACE`"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out_and_code_two(
    words: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, err = said(words, capsys)
    assert code == 2
    assert err.startswith("ablate: ")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("runs/*"))


def test_a_folder_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    words = ["run", "squeeze", "--root", str(tmp_path / "file"), "--wandb", "disabled"]
    code, err = said(words, capsys)
    assert code == 2
    assert f"cannot write to {tmp_path / 'file'}" in err


def whole_number_options() -> list[tuple[str, str]]:
    return [
        (command, option.name)
        for command in COMMANDS
        for option in app()[command].assemble_argument_collection()
        if "int" in str(option.hint)
    ]


@pytest.mark.parametrize(("command", "option"), whole_number_options())
def test_a_whole_number_is_not_rounded(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = said([command, "nothing", option, "1.5"], capsys)
    assert code == 2
    assert err == f"ablate: Invalid value for {option}: it must be a whole number, but is '1.5'.\n"


def test_debug_shows_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="'reduction'"):
        main(["show", "reducton", "--debug"])


def test_too_little_memory_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def spaces() -> None:
        raise MemoryError("Unable to allocate 8 TiB")

    monkeypatch.setattr("ablations.cli.study.spaces", spaces)
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["spaces"])
    said = "not enough memory for this (Unable to allocate 8 TiB): give it less, or more memory."
    assert said in capsys.readouterr().err


def test_every_command_can_be_loaded_and_says_what_it_does() -> None:
    for name, (path, summary) in COMMANDS.items():
        module, _, function = path.partition(":")
        assert getattr(importlib.import_module(module), function).__doc__, name
        assert summary.endswith("."), name


@pytest.mark.parametrize(
    ("command", "sentences"),
    [
        ("run", ["Interrupt it at any time", "with several objectives none"]),
        ("run", ["0.25 shares a GPU among four runs", "the study's own journal by default"]),
        ("confirm", ["only these runs conclude", "Instead of --top: one arm"]),
        (
            "confirm",
            ["0.25 shares a GPU among four runs", "the one that the study was started with"],
        ),
        ("status", ["Name or folder of the study"]),
        ("width", ["ablate width [OPTIONS] TABLES..."]),
        ("effects", ["auto pools unless the arms' noise looks unequal"]),
        ("cost", ["32 for the CIFAR family, small_vit and the sequence networks"]),
    ],
)
def test_the_help_of_a_command_is_its_own_docstring(
    command: str, sentences: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([command, "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for sentence in sentences:
        assert sentence in said


def test_the_list_of_commands_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    said = capsys.readouterr().out
    for _, summary in COMMANDS.values():
        assert summary in said


def test_ablate_is_the_installed_entry_point() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["ablate"] == "ablations.cli.main:main"


def test_show_prints_arms_costs_and_which_ratios_a_width_allows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["show", "reduction"])
    out = capsys.readouterr().out
    assert "6 arms x 5 seeds = 30 runs" in out
    assert "ratios up to 16" in out
    assert "85,754" in out
    [(_, *levels, base)] = [
        line.split() for line in out.splitlines() if line.startswith("attention.reduction ")
    ]
    assert base in {level.rstrip(",") for level in levels}  # the setting is 16.0, its level 16


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("space", ["squeeze", "width", "kin", "full"])
def test_on_a_terminal_a_label_is_folded_and_not_cut(
    space: str,
    columns: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["show", space])
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "…" not in out
    arms = [line for line in out.splitlines() if re.match("[0-9a-f]{6,10} ", line)]
    assert arms
    assert max(map(len, arms)) <= columns


def test_in_a_pipe_each_arm_is_one_line_with_its_whole_label(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(["show", "squeeze"])
    lines = capsys.readouterr().out.splitlines()
    for label in ("squeeze=avg (baseline)", "squeeze=avg_max", "squeeze=avg_max_mlp"):
        assert sum(f"  {label}  " in line for line in lines) == 1


def test_a_space_with_ranges_is_shown_as_a_search_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["show", "recipe"])
    out = capsys.readouterr().out
    assert "0.001 to 1, logarithmic" in out
    assert "A search draws arms from these factors" in out


def test_a_repeatable_option_has_no_twin_that_empties_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in COMMANDS:
        main([command, "--help"])
        assert not re.search("--(empty|no)-", capsys.readouterr().out), command


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_comparisons_that_no_run_could_decide_are_refused_before_a_worker_starts(
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "c.yaml"
    file.write_text("comparisons: [{factor: reduction, levels: [4, 5]}]")
    started: list[object] = []
    monkeypatch.setattr("ablations.cli.run.ready_executor", lambda *_, **__: started.append(1))
    code, err = said(["run", "reduction", "--planned", "c.yaml", *words], capsys)
    assert (code, started) == (2, [])
    assert "comparison 1: `attention.reduction` must be one of 4, 1, 2, 8, 16, but got 5." in err
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("stack", [(), ("--stack", "5")])
def test_dry_run_runs_nothing(
    stack: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["run", "reduction", "--dry-run", "--seeds", "2", "--workers", "3", *stack])
    out = capsys.readouterr().out
    assert "6 arms x 2 seeds = 12 runs" in out
    assert re.search(r"\ntime: about .* for 12 runs on 3 slots, .* each \(from a few steps", out)
    assert list(tmp_path.iterdir()) == []


def test_what_another_user_keeps_to_themselves_is_told_with_the_way_out() -> None:
    assert _said(PermissionError(13, "Permission denied", "runs/s/study.json")) == (
        "Permission denied: 'runs/s/study.json'. Its owner may let others read it (`chmod -R a+rX FOLDER`); what you "
        "write needs a folder of yours."
    )
