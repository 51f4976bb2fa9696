import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.effects.compare import compare, fingerprint_drift
from analysis.effects.effects import estimate_effects
from analysis.errors import TableError
from analysis.tables.study_table import read_study

Make = Callable[..., Path]


def arms(size: float) -> dict[str, dict[str, float]]:
    return {
        "attention.squeeze": {"avg": 0.0, "max": size},
        "attention.gate": {"sigmoid": 0.0, "one_plus_tanh": 0.0},
    }


def test_an_effect_that_changed_is_told_from_one_that_did_not(make_study: Make) -> None:
    options = {"design": "loco", "seeds": 8, "sigma": 0.004, "kappa": 0.0}
    a = read_study(make_study("a", effects=arms(0.05), random=1, **options))
    b = read_study(make_study("b", effects=arms(0.0), random=2, **options))
    found = compare(a, b)
    verdict = found.frame.set_index("label")["verdict"].to_dict()
    assert verdict == {"squeeze=max": "differs", "gate=one_plus_tanh": "no difference seen"}
    row = found.frame.set_index("label").loc["squeeze=max"]
    assert row["low"] < 0.05 < row["high"]


def test_the_difference_is_welchs_of_the_two_estimates(make_study: Make) -> None:
    a, b = (
        read_study(make_study(n, effects=arms(0.02), design="loco", random=k))
        for n, k in (("a", 1), ("b", 2))
    )
    row = compare(a, b).frame.iloc[0]
    x, y = (estimate_effects(t, calibration_draws=0).frame.iloc[0] for t in (a, b))
    assert row["difference"] == pytest.approx(x["estimate"] - y["estimate"])
    assert row["se"] == pytest.approx((x["se"] ** 2 + y["se"] ** 2) ** 0.5)
    assert min(x["df"], y["df"]) <= row["df"] <= x["df"] + y["df"]


def test_a_study_against_itself_shows_no_difference(make_study: Make) -> None:
    table = read_study(make_study(effects=arms(0.05), design="loco"))
    found = compare(table, table)
    assert found.frame["difference"].tolist() == [0.0, 0.0]
    assert found.names == ("synthetic (1)", "synthetic (2)")
    assert found.drift == {}


def test_what_differs_between_the_studies_is_named(make_study: Make) -> None:
    a = read_study(make_study("a", effects=arms(0.05), design="loco"))
    print_ = {
        **a.info,
        "fingerprint": {**a.info["fingerprint"], "code": "x", "versions": {"torch": "1"}},
    }
    b = replace(a, info=print_, study="b")
    assert fingerprint_drift(a, b) == {"code": ("c", "x"), "torch": ("0", "1")}
    assert "The studies differ in: code, torch." in compare(a, b).sentences()


def test_comparisons_of_one_study_only_are_listed(make_study: Make) -> None:
    a = read_study(make_study("a", effects=arms(0.0), design="loco"))
    b = read_study(
        make_study("b", effects={"attention.gate": arms(0.0)["attention.gate"]}, design="loco")
    )
    found = compare(a, b)
    assert found.only == {"a": ["squeeze=max"], "b": []}
    assert "Only in a: squeeze=max." in found.sentences()


def test_the_baselines_are_named(make_study: Make) -> None:
    a = read_study(make_study("a", effects=arms(0.0), design="loco"))
    gate = {"attention.gate": arms(0.0)["attention.gate"]}
    b = read_study(make_study("b", effects=gate, design="loco"))
    found = compare(a, b)
    assert found.baselines == ("squeeze=avg, gate=sigmoid", "gate=sigmoid")
    assert found.to_json()["baselines"] == list(found.baselines)
    said = (
        "Differences are against the baseline squeeze=avg, gate=sigmoid in a and gate=sigmoid in b."
    )
    assert said in found.sentences()
    assert "Differences are against the baseline gate=sigmoid." in compare(b, b).sentences()


def test_studies_without_anything_in_common_are_refused(make_study: Make) -> None:
    a = read_study(make_study("a", effects={"attention.gate": {"x": 0.0, "y": 0.0}}))
    b = read_study(make_study("b", effects={"attention.squeeze": {"x": 0.0, "y": 0.0}}))
    said = (
        "a and b have no comparison in common: a is compared with its baseline gate=x, b with "
        "squeeze=x. Tables without a study can be given one baseline: `--baseline FACTOR=LEVEL`."
    )
    with pytest.raises(TableError, match=re.escape(said)):
        compare(a, b)
    with pytest.raises(
        TableError, match="the studies measure different things: `val_loss` and `error`"
    ):
        compare(a, replace(b, metric="error"))
