from pathlib import Path

import ablations
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
