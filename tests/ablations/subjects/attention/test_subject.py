from pathlib import Path

import pytest

import ablations
from ablations.engine.records.provenance import code_hash
from ablations.subjects.attention.subject import SUBJECT


def test_code_that_gives_no_numbers_is_not_in_the_fingerprint():
    root = Path(ablations.__file__).parent
    names = {str(file.relative_to(root)) for file in SUBJECT.sources([])}
    assert "subjects/attention/training/run.py" in names
    around = ("engine/", "cli/", "designs/", "studies/", "tracking/")
    assert not any(name.startswith(around) for name in names)


def test_a_recipe_is_shown_with_what_replaced_its_values() -> None:
    arm = SUBJECT.assign({"training.recipe": "short", "training.epochs": 8})
    _, note = SUBJECT.notes(arm)
    assert note.startswith("Recipe short: epochs=8 (the recipe's: 16), batch_size=128, ")
    (data,) = SUBJECT.notes(SUBJECT.assign({}))
    assert data == (
        "Data digits: 1,797 examples of 1 channel, 8 high and 8 wide, in 10 classes; 1,258 train, 539 validate"
    )


def test_an_edited_file_that_an_own_block_imports_is_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_scale.py").write_text("FACTOR = 1.0\n")
    (tmp_path / "own_block.py").write_text(
        "from own_scale import FACTOR\n\n\ndef squeeze(x):\n    return x.mean(2)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    before = SUBJECT.sources(["own_block:squeeze"])
    assert {"own_block.py", "own_scale.py"} <= {file.name for file in before}
    whole = code_hash(before)
    (tmp_path / "own_scale.py").write_text("FACTOR = 3.0\n")
    assert code_hash(SUBJECT.sources(["own_block:squeeze"])) != whole
