from pathlib import Path
from typing import Any

import pytest

from analysis.claims.claims import load_claims, parse_claims
from analysis.errors import TableError

COMPARED: dict[str, Any] = {
    "study": "s",
    "factor": "gate",
    "levels": ["a", "b"],
    "direction": "lower",
}
PUBLISHED: dict[str, Any] = {"numbers": {"x": 1.0}, "at_least": 0}


def claim(**more: Any) -> dict[str, Any]:
    return {"id": "A1", "sentence": "It\n  helps.", "source": "a paper", **more}


def parsed(*claims: dict[str, Any], **more: Any) -> Any:
    return parse_claims({"claims": list(claims), **more}, name="mine")


def test_a_claim_may_have_evidence_of_every_kind() -> None:
    file = parsed(
        claim(exact="pkg.mod:f", measured=[COMPARED, {**COMPARED, "margin": 1}], published=PUBLISHED),
        claim(id="B", not_testable="no task"),
        studies={"s": {"space": "gate", "set": {"training.epochs": 2}, "seeds": 4}},
    )  # fmt: skip
    first, second = file.claims
    assert (first.sentence, first.exact) == ("It helps.", "pkg.mod:f")
    assert [m.margin for m in first.measured] == [None, 1.0]
    assert (first.published[0].source, first.published[0].at_most) == ("a paper", float("inf"))
    assert second.not_testable == "no task"
    assert file.folder("s") == "mine-s"
    assert [one.id for one in file.only(["B"]).claims] == ["B"]


FIT = {"study": "s", "fit": "kappa", "direction": "higher"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "mine: `claims` must be a list with at least one claim."),
        ([], "mine must hold a mapping with `claims`, but holds a list."),
        ({"claims": [claim()], "claimz": 1}, "mine has the unknown key 'claimz'; .* Did you mean 'claims'?"),
        ({"claims": [claim()], "alpha": 0.7}, "mine: `0 < alpha < 0.5` must hold, but got 0.7."),
        ({"claims": ["A1"]}, "claim 1 must be a mapping with an `id`, but is 'A1'."),
        ({"claims": [{**claim(exact="a:b"), "id": "A 1"}]}, "claim 'A 1': `id` must be of letters"),
        ({"claims": [claim()]}, "claim 'A1' must say what would decide it: `exact`, `measured`"),
        ({"claims": [claim(exact="a:b", sorce="x")]}, "claim 'A1' has the unknown key 'sorce'.* 'source'?"),
        ({"claims": [{"id": "A1", "sentence": "x", "exact": "a:b"}]}, "claim 'A1' lacks its `source`."),
        ({"claims": [claim(exact="a:b"), claim(exact="a:b")]}, "`id` must be of one claim, but 'A1' stands twice."),
        ({"claims": [claim(exact="a.b")]}, "`exact` must be a function's import path, package.module:name"),
        ({"claims": [claim(sentence=["x"], exact="a:b")]}, "`sentence` must be a text, but is a list."),
        ({"claims": [claim(measured="s")]}, "`measured` must be a mapping that names a `study`."),
        ({"claims": [claim(measured={"study": "s"})]}, "must have either a `factor` with its `levels`, or a `fit`."),
        ({"claims": [claim(measured={**COMPARED, "direction": "loewr"})]}, "`direction` must be .* 'lower'?"),
        ({"claims": [claim(measured={**COMPARED, "direction": None})]}, "`direction` must be .*got None."),
        ({"claims": [claim(measured={**COMPARED, "direction": "same"})]}, "`direction: same` needs a `margin`"),
        ({"claims": [claim(measured={**COMPARED, "margin": -1})]}, "`margin > 0` must hold, but got -1."),
        ({"claims": [claim(measured={**COMPARED, "margin": "x"})]}, "`margin` must be a finite number, but got 'x'."),
        ({"claims": [claim(measured={**COMPARED, "levels": ["a"]})]}, "'A1': `levels` must list the reference"),
        ({"claims": [claim(measured={**COMPARED, "level": 1})]}, "unknown key 'level'.* Did you mean 'levels'?"),
        ({"claims": [claim(measured={**FIT, "fit": "kapa"})]}, "`fit` must be one of kappa, .* Did you mean 'kappa'?"),
        ({"claims": [claim(measured={**FIT, "fit": "r_star"})]}, "`fit: r_star` needs a `price`"),
        ({"claims": [claim(measured={**FIT, "price": 1})]}, "and no other fit has one."),
        ({"claims": [claim(measured={**FIT, "fit": "mean"})]}, "`fit: mean` needs `at`"),
        ({"claims": [claim(published={"number": 1})]}, "unknown key 'number'.* Did you mean 'numbers'?"),
        ({"claims": [claim(published={"numbers": {"x": 1}})]}, "must say what the claim expects: `at_least`"),
        ({"claims": [claim(published={**PUBLISHED, "at_most": -1})]}, "`at_least <= at_most` must hold"),
        ({"claims": [claim(published={**PUBLISHED, "numbers": {"x": "much"}})]}, "`x` must be a finite number"),
        ({"claims": [claim()], "studies": ["s"]}, "`studies` must be a mapping from names to studies."),
        (
            {"claims": [claim(measured={**COMPARED, "study": "gaet"})], "studies": {"gate": {"space": "x"}}},
            "study 'gate' must be named by a claim, but is by none. Is it the one that a claim calls 'gaet'?",
        ),
        ({"claims": [claim()], "studies": {"s": {}}}, "study 's' must name its `space`"),
        ({"claims": [claim()], "studies": {"a/b": {"space": "x"}}}, "its name must be of letters"),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "seds": 3}}}, "'seds'.* Did you mean 'seeds'?"),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "seeds": 0}}}, "`seeds >= 1` must hold, but got 0."),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "until": "width"}}}, "`until` must be one of decided"),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "until": "decided"}}}, "needs `max_seeds`, .*got None."),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "max_seeds": 9}}}, "`until` must be one of decided"),
        (
            {"claims": [claim()], "studies": {"s": {"space": "x", "until": "decided", "max_seeds": 9, "seeds": 3}}},
            "give `max_seeds` and neither `seeds` nor `adding_seeds`.",
        ),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "design": "gird"}}}, "Did you mean 'grid'?"),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "set": [1]}}}, "`set` must be a mapping"),
        ({"claims": [claim()], "studies": {"s": {"space": "x", "adding_seeds": "often"}}}, "`adding_seeds.plan` must"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_one_sentence_that_names_it(content: Any, message: str) -> None:
    with pytest.raises(TableError, match=message):
        parse_claims(content, name="mine")


def test_an_unknown_claim_is_told_the_nearest() -> None:
    with pytest.raises(
        TableError, match=r"there is no claim 'A2' in mine, which has A1\. Did you mean 'A1'\?"
    ):
        parsed(claim(exact="a:b")).only(["A2"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: [", "must be a YAML file"),
        ("claims: 1\nclaims: 2", "must stand once in its mapping"),
    ],
)
def test_a_file_that_is_no_yaml_names_the_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        load_claims(path)
    with pytest.raises(TableError, match="there is no file"):
        load_claims(tmp_path / "other.yaml")
