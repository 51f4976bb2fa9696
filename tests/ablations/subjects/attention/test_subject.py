from pathlib import Path

import ablations
from ablations.subjects.attention.subject import SUBJECT


def test_code_that_gives_no_numbers_is_not_in_the_fingerprint():
    root = Path(ablations.__file__).parent
    names = {str(file.relative_to(root)) for file in SUBJECT.sources([])}
    assert "subjects/attention/training/run.py" in names
    around = ("engine/", "cli/", "designs/", "studies/", "tracking/")
    assert not any(name.startswith(around) for name in names)
