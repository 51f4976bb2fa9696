"""What commands make of names, counts, options and folders that mean them no good: one sentence, or an answer."""

import io
import json
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from called import exit_code as code
from in_process import InProcess

from ablations.cli.options import executors
from ablations.engine.executors import slots
from ablations.engine.executors.slots import check_gpus, find_gpus
from ablations.errors import SettingError
from analysis.report.evidence import evidence
from analysis.report.figures import figures

SPACE = """
question: which of them?
subject: sequence_scores:score
metric: {name: val_loss, direction: minimize, unit: nats}
baseline: {attention: {reduction: 4}, gate: good}
factors:
  - {name: attention.reduction, levels: [2, 4]}
controls: {"=cmd [/x] <b>": {gate: odd}}
seeds: 2
"""
RUN = ("run", "space.yaml", "--study", "s", "--wandb", "disabled")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study that was run in this process, without processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setattr(executors, "_local", lambda *_, **__: InProcess())
        patch.setattr(figures, "PICTURES", {"effects": figures.PICTURES["effects"]})
        patch.setattr(evidence, "_importance", lambda *_: None)
        folder = tmp_path_factory.mktemp("begun")
        patch.chdir(folder)
        Path("space.yaml").write_text(SPACE)
        assert code(*RUN) == 0
        yield folder


@pytest.fixture
def desk(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path: Path, lines: list[dict]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_names_of_a_folder_are_harmless_wherever_they_are_shown(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = desk / "runs" / "s" / "plan.jsonl"
    lines = lines_of(plan)
    for line in lines:
        line["label"] += "\x1b]0;PWNED\x07"
    write_lines(plan, lines)
    for words in (("status", "s"), ("effects", "s"), ("report", "s")):
        assert code(*words) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert r"\x1b]0;PWNED\x07" in said.out
    report = desk / "runs" / "s" / "report"
    assert "<b>" not in (report / "report.md").read_text()
    table = (report / "tables" / "runs_table.csv").read_text()
    assert "'=cmd [/x]" in table
    assert re.search(r"(^|,)\"?=cmd", table, re.MULTILINE) is None


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        ("''", "a control's label must be one line of 1 to 200 characters"),
        (r'"a\nb"', "a control's label must be one line"),
        (r'"\e[31m"', "a control's label must be one line"),
        ("reduction=4 (baseline)", "each arm must have a label of its own"),
    ],
)
def test_a_label_is_not_empty_one_line_and_no_other_arms(
    desk: Path, capsys: pytest.CaptureFixture[str], control: str, sentence: str
) -> None:
    (desk / "space.yaml").write_text(SPACE.replace('"=cmd [/x] <b>"', control))
    assert code("show", "space.yaml") == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*RUN, "--seeds", "100000000"), "`seeds <= 10,000` must hold"),
        (("show", "space.yaml", "--seeds", "9" * 23), "`seeds <= 10,000` must hold"),
        ((*RUN, "--dry-run", "--workers", "99999999"), "`workers <= 4,096` must"),
        ((*RUN, "--design", "search", "--trials", "9" * 12), "at most 1,000,000 runs"),
        (("confirm", "s", "--top", "9" * 9, "--seeds", "9"), "at most 1,000,000 runs"),
        (("cost", "cifar_resnet8", "--classes", "9" * 23), "`--classes <= 1,000,000` must hold"),
        (("cost", "cifar_resnet8", "--image", "9" * 30), "sides of at most 1,000,000"),
        (("cost", "cifar_resnet8", "--batches", "8"), "`--batches` are those of --latency"),
        ((*RUN, "--minutes", "5"), "`--minutes` belongs to a Slurm cluster"),
        ((*RUN, "--dry-run", "--slurm", "x"), "`--slurm` must be given as name=value"),
        ((*RUN, "--dry-run", "--gpus-per-run", "-1"), "`--gpus-per-run` must be a share"),
        ((*RUN, "--dry-run", "--storage", "1e400"), "`storage` must be a database URL"),
        (("run", "space.yaml", "--study", "a/b"), "must be a plain folder name"),
        (("run", "space.yaml", "--study=-x"), "must be a plain folder name"),
        ((*RUN, "--retry", "nothing"), "`retry` must be"),
        (("effects", "s", "--root", "other"), "there is no study 's' in other"),
        (("status", "s", "--root", "other"), "there is no study 's'"),
        (("effects", "table.csv", "--root", "other"), "`--root` says where studies lie"),
        (("status", "runs/s", "--root", "other"), "`--root` says where studies lie"),
        (("fit", "s", "--price-metric", "bogus"), "`--price-metric` says what a price"),
        (("plan", "reduction", "--sigma", "inf"), "`--sigma` must be a finite number, but got"),
        (("plan", "reduction", "--margin", "nan"), "`--margin` must be a finite number, but got"),
        (("plan", "reduction", "--target-width", "0"), "`--target-width` must be a finite"),
        (
            ("report", "s", "--verify", "--margin", "0.1"),
            "`--margin` has no effect beside --verify",
        ),
        (("wandb", "s", "--project", "x"), "`--project` says where to publish"),
        (("dashboard", "s", "--host", ""), "`--host` must be an address"),
    ],
)
def test_a_count_or_an_option_without_effect_is_refused_in_a_sentence(
    desk: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    (desk / "table.csv").write_text("seed,val_loss,x\n0,1,a\n")
    (desk / "other").mkdir()
    assert code(*words) == 2
    assert sentence in capsys.readouterr().err


def test_a_design_of_too_many_arms_is_refused_before_one_is_made(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factors = "".join(
        f"  - {{name: f{i}, levels: [{', '.join(map(str, range(20)))}]}}\n" for i in range(6)
    )
    base = ", ".join(f"f{i}: 0" for i in range(6))
    (desk / "wide.yaml").write_text(
        f"subject: sequence_scores:score\nmetric: {{name: val_loss, direction: minimize}}\n"
        f"baseline: {{{base}}}\nfactors:\n{factors}"
    )
    assert code("show", "wide.yaml") == 2
    assert "at most 100,000 arms, but grid makes 64,000,000" in capsys.readouterr().err


def test_a_password_of_a_tables_address_is_not_repeated(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code("effects", "postgresql://user:CANARY@127.0.0.1:9/db#s") == 2
    said = capsys.readouterr()
    assert "CANARY" not in said.out + said.err
    assert "postgresql://user:***@127.0.0.1:9/db" in said.err


def test_an_ascii_terminal_gets_every_number(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", pipe)
    assert code("effects", "s") == 0
    pipe.write("Δ")  # as any command may
    pipe.flush()
    assert b"\\u0394" in pipe.buffer.getvalue()


def test_a_study_that_may_only_be_read_has_its_report_elsewhere(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = desk / "runs" / "s"
    before = sorted(path for path in study.rglob("*"))
    assert code("report", "s", "--out", "elsewhere") == 0
    assert code("report", "s", "--verify", "--out", "elsewhere") == 0
    assert code("plot", "s", "effects", "--format", "svg", "--out", "plots") == 0
    assert (desk / "elsewhere" / "index.html").is_file()
    assert (desk / "plots" / "effects.svg").is_file()
    assert sorted(path for path in study.rglob("*")) == before


def test_a_report_is_not_written_through_a_link(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "victim").mkdir()
    (desk / "runs" / "s" / "report").symlink_to(desk / "victim")
    assert code("report", "s") == 2
    assert "is a link, through which nothing is written" in capsys.readouterr().err
    assert list((desk / "victim").iterdir()) == []


def test_a_damaged_result_is_left_out_by_all_and_trained_again_where_it_is_asked_for(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = lines_of(desk / "runs" / "s" / "plan.jsonl")
    run = plan[0]["run"]
    path = desk / "runs" / "s" / "runs" / run / "result.json"
    path.write_text(path.read_text().replace('"state":"COMPLETE"', '"state":"BANANA"'))
    for words in (("status", "s"), ("effects", "s"), ("report", "s")):
        assert code(*words) == 0
        said = capsys.readouterr()
        assert (
            f"1 result cannot be used and is left out ({run}: `state` must be"
            in said.out + said.err
        )
    assert code(*RUN) == 2
    assert "--retry RUN" in capsys.readouterr().err
    assert code(*RUN, "--retry", run[:6]) == 0
    assert json.loads(path.read_text())["attempt"] == 2
    assert code(*RUN) == 0
    assert "damaged" not in capsys.readouterr().err


def test_a_damaged_curve_stops_nothing(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = lines_of(desk / "runs" / "s" / "plan.jsonl")[0]["run"]
    curve = desk / "runs" / "s" / "runs" / run / "1" / "epochs.jsonl"
    curve.write_bytes(b'{"val_loss": 1}\n\xff\xfe\n' + curve.read_bytes())
    assert code("effects", "s") == 0
    assert code("report", "s") == 0
    assert (
        f"The epochs of 1 run cannot be read whole ({run}: attempt 1, line 1: it lacks `epoch`"
        in capsys.readouterr().out
    )


def test_a_plan_that_lost_lines_is_said_by_all_and_mended_by_run(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = desk / "runs" / "s" / "plan.jsonl"
    lines = lines_of(plan)
    write_lines(plan, [lines[0], *lines[:-2]])
    for words in (("status", "s"), ("effects", "s"), ("report", "s")):
        assert code(*words) == 0
        said = capsys.readouterr()
        assert "2 runs with an outcome stand not in plan.jsonl" in said.out + said.err
        assert "1 run of plan.jsonl stands there twice" in said.out + said.err
    assert code("confirm", "s") == 2
    assert code(*RUN) == 0
    assert {line["run"] for line in lines_of(plan)} == {line["run"] for line in lines}
    assert len(lines_of(plan)) == len(lines)
    capsys.readouterr()
    assert code("status", "s", "--json") == 0
    assert json.loads(capsys.readouterr().out)["remarks"] == []


def test_a_run_that_failed_is_tried_again_and_its_attempts_stay(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(desk / "runs")
    (desk / "space.yaml").write_text(SPACE.replace("odd", "fails"))
    monkeypatch.setenv("SCORES_FAIL", "1")
    assert code(*RUN) == 1
    assert code(*RUN) == 1  # a deterministic failure is final
    monkeypatch.delenv("SCORES_FAIL")
    failed = [
        line["run"] for line in lines_of(desk / "runs/s/plan.jsonl") if "=cmd" in line["label"]
    ]
    assert code(*RUN, "--retry", failed[0]) == 1
    assert code(*RUN, "--retry", "failed") == 0
    for run in failed:
        states = [
            json.loads((desk / "runs/s/runs" / run / place / "result.json").read_text())["state"]
            for place in ("1", "2", ".")
        ]
        assert states == ["FAILED", "COMPLETE", "COMPLETE"]
    assert code(*RUN, "--retry", failed[0]) == 2
    assert f"{failed[0]} is COMPLETE" in capsys.readouterr().err


def test_a_place_without_what_a_run_needs_gives_no_outcome(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(desk / "runs")
    (desk / "space.yaml").write_text(SPACE.replace("odd", "unmounted"))
    assert code(*RUN) == 1
    said = capsys.readouterr()
    assert "cannot be trained here now: " in said.err
    assert "FileNotFoundError" in said.err
    assert len(list((desk / "runs" / "s" / "runs").glob("*/result.json"))) == 4
    (desk / "data.txt").touch()
    assert code(*RUN) == 0


@pytest.mark.parametrize("names", ["NoDevFiles", "-1", "", "none"])
def test_what_says_that_there_is_no_gpu_names_none(
    monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", names)
    assert find_gpus() == ()


def test_a_gpu_that_no_driver_knows_is_refused_before_the_first_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "_driver_lists", lambda: ("0", "GPU-12ab"))
    check_gpus([])
    check_gpus(["0", "GPU-12", "MIG-1"])
    with pytest.raises(
        SettingError, match="names 7, but no driver of this machine knows such a GPU"
    ):
        check_gpus(["0", "7"])


def test_the_next_command_finds_a_study_that_lies_elsewhere(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(*RUN) == 0
    assert "Read it with: ablate report s\n" in capsys.readouterr().out
    (desk / "runs").rename("other place")
    assert code(*RUN, "--root", "other place") == 0
    assert "Read it with: ablate report 'other place/s'\n" in capsys.readouterr().out
    assert code("status", "other place/s") == 0


def test_a_key_is_its_users_alone(begun: Path) -> None:
    key = Path.home() / ".local" / "state" / "ablations" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("closed", [("stdout",), ("stderr",), ("stdin", "stdout", "stderr")])
def test_a_closed_stream_is_no_fault(
    desk: Path, monkeypatch: pytest.MonkeyPatch, closed: tuple[str, ...]
) -> None:
    for name in closed:  # as Python does where a shell was told `>&-`
        monkeypatch.setattr(sys, name, None)
    assert code("status", "s") == 0
    assert code("status", "nothing") == 2
    for name in closed:
        getattr(sys, name).close()
