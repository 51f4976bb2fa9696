import subprocess
import sys

from ablations.designs.presets import described
from ablations.designs.spaces import presets

HEAVY = ("torch", "lightning", "sklearn", "pandas", "pydantic")


def test_a_preset_is_described_as_it_is_made():
    made = presets()
    told = {one.name: (one.question, one.factors) for one in described()}
    assert told == {
        name: (space.question, tuple(factor.name for factor in space.factors))
        for name, space in made.items()
    }


def test_the_presets_are_listed_without_what_they_train_with():
    code = (
        "import sys; from ablations.cli.study import spaces; spaces(); "
        f"sys.exit([name for name in {HEAVY} if name in sys.modules] or None)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert "reduction" in told.stdout
