"""The steps of a study, which group the commands in the help, and an example of each command."""

from typing import Literal

Step = Literal["Design", "Run", "Read", "Publish"]

STEPS: dict[Step, tuple[str, ...]] = {
    "Design": ("init", "spaces", "settings", "show", "check", "cost", "plan"),
    "Run": ("run", "confirm", "list", "status", "reproduce"),
    "Read": (
        "report",
        "test",
        "plot",
        "fit",
        "effects",
        "width",
        "importance",
        "compare",
        "claims",
    ),
    "Publish": ("wandb", "leet", "dashboard"),
}
"""Step -> its commands, in the order in which one needs them."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "init": ("ablate init my_space.yaml",),
    "spaces": ("ablate spaces",),
    "settings": ("ablate settings", "ablate settings attention.gate"),
    "show": ("ablate show reduction", "ablate show gate --design loco --verify"),
    "cost": ("ablate cost resnet50 --set attention.placement=standard",),
    "plan": ("ablate plan reduction --snr 3", "ablate plan gate --pilot first --effect 0.01"),
    "run": (
        "ablate run gate --study first --seeds 5",
        "ablate run full --design search --trials 30 --study look",
    ),
    "confirm": ("ablate confirm look --top 3 --seeds 5", "ablate confirm look --dry-run"),
    "list": ("ablate list",),
    "status": ("ablate status first",),
    "reproduce": ("ablate reproduce first 3f9a",),
    "report": (
        "ablate report first --open",
        "ablate report first --price-per-param 1e-6 --margin 0.01",
        "ablate report --all",
    ),
    "test": ("ablate test first",),
    "plot": ("ablate plot first seeds --view paired --format pdf --style paper",),
    "fit": ("ablate fit first --sweep", "ablate fit runs.csv --blocks 3x256,4x512"),
    "effects": ("ablate effects first --margin 0.01",),
    "width": ("ablate width narrow middle wide",),
    "importance": ("ablate importance first",),
    "check": ("ablate check my_space.yaml",),
    "claims": ("ablate claims attention",),
    "compare": ("ablate compare first second",),
    "wandb": ("ablate wandb first --sync",),
    "leet": ("ablate leet first",),
    "dashboard": ("ablate dashboard first --port 8080",),
}
"""Command -> lines to type; the studies `first` and `look` stand for yours."""


def step_of(command: str) -> Step:
    """The step that a command belongs to."""
    return next(step for step, commands in STEPS.items() if command in commands)
