"""The paper's tables as spaces, against the counts and the table that it printed."""

import csv
import json
from pathlib import Path

import pytest

from ablations import load_space, presets, show
from ablations.cli.main import main
from ablations.cli.options.tables import published_table

TABLES = [f"senet/table{n}" for n in range(10, 17)]
MILLIONS = {16: 2.5, 2: 20.1, 4: 10.1, 8: 5.1, 32: 1.3}
"""What table 10 has beyond the original's 25.6 M."""


def rows(name: str) -> list[dict[str, str]]:
    path = published_table(name)
    assert path is not None
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_ratios_add_the_parameters_that_the_paper_prints() -> None:
    arms = show(load_space("senet/table10"), design="grid").arms
    found = {a.factors["attention.reduction"]: a.cost["attention_params"] / 1e6 for a in arms}
    for r, millions in MILLIONS.items():
        assert found[r] == pytest.approx(millions, abs=0.1)


def written(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


@pytest.mark.parametrize("name", TABLES)
def test_a_published_row_is_an_arm_of_its_space(name: str) -> None:
    space = load_space(name)
    arms = [arm.factors for arm in show(space, design="grid").arms]
    for row in rows(name):
        levels = {k: v for k, v in row.items() if "." in k and v}
        assert any(all(written(arm[k]) == v for k, v in levels.items()) for arm in arms), row
    first = {k: v for k, v in rows(name)[0].items() if "." in k}
    assert {k: written(space.baseline[k]) for k in first} == first
    assert len(rows(name)) == len(arms)


def test_every_table_is_a_preset_and_no_other_file_is() -> None:
    found = presets()
    assert set(TABLES) <= found.keys()
    assert [name for name in found if "/" not in name] == sorted(n for n in found if "/" not in n)
    assert "claims/attention" not in found


def test_a_users_table_is_compared_with_the_papers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["attention.squeeze,attention.placement,seed,top1_error"]
    noise = (0.02, -0.01, 0.03)
    for seed in range(3):
        lines.append(f"avg,standard,{seed},{22 + seed / 5}")
        lines.append(f"max,standard,{seed},{22.3 + seed / 5 + noise[seed]}")
        lines.append(f",none,{seed},{25 + seed / 5 - noise[seed]}")
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    main(
        ["compare", str(tmp_path / "mine.csv"), "senet/table11", "--metric", "top1_error", "--json"]
    )
    found = json.loads(capsys.readouterr().out)
    got = {row["label"]: (row["published"], row["verdict"]) for row in found["comparisons"]}
    assert got == {
        "squeeze=max": (pytest.approx(0.29), "agrees"),
        "placement=none": (pytest.approx(1.02), "differs"),
    }
    with pytest.raises(SystemExit, match="2"):
        main(["compare", str(tmp_path / "mine.csv"), "senet/table12", "--metric", "top1_error"])
    assert (
        "mine must vary attention.gate to be compared with senet/table12" in capsys.readouterr().err
    )


def test_accuracy_counts_as_error_in_percent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["attention.placement,seed,val_accuracy"]
    for seed, noise in enumerate((0.001, -0.001, 0.0005)):
        lines += [f"standard,{seed},{0.77 + seed / 99}", f"none,{seed},{0.76 + seed / 99 + noise}"]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    main(["compare", str(tmp_path / "mine.csv"), "senet/table14", "--metric", "val_accuracy"])
    said = capsys.readouterr().out
    assert "placement=none: +0.98 [" in said
    assert "Only in senet/table14: placement=pre, placement=post, placement=identity." in said


@pytest.mark.parametrize("name", ["planted_gates", "coding", "co_firing", "gate_depth"])
def test_a_planted_space_varies_what_its_function_reads(name: str) -> None:
    space = load_space(f"claims/{name}")
    assert {factor.name for factor in space.factors} == set(space.baseline)
