"""The page of claims in the docs is what the command wrote."""

import re
from pathlib import Path

from ablations.cli.claim_answers import find_claims
from analysis.claims.claims import load_claims

PAGE = Path("docs/claims.md")


def test_the_page_has_every_claim_with_every_piece_of_evidence() -> None:
    rows = re.findall(
        r"^\| (\w+) \| .*? \| (exact|measured|published|none)\b", PAGE.read_text(), re.MULTILINE
    )
    expected = []
    for claim in load_claims(find_claims("attention")).claims:
        expected += [(claim.id, "exact")] * bool(claim.exact)
        expected += [(claim.id, "published")] * len(claim.published)
        expected += [(claim.id, "measured")] * len(claim.measured)
        expected += [(claim.id, "none")] * bool(claim.not_testable)
    assert rows == expected


def test_no_claim_on_the_page_was_edited_after_its_runs() -> None:
    assert "exploratory" not in PAGE.read_text()


def test_the_example_in_the_docs_is_a_file_of_claims(tmp_path: Path) -> None:
    text = Path("docs/claims-files.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "page.yaml").write_text(text)
    file = load_claims(tmp_path / "page.yaml")
    assert [claim.id for claim in file.claims] == ["gate", "range", "imagenet", "beauty"]
    assert file.folder("gate") == "page-gate"
