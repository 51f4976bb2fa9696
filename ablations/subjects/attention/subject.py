"""Channel attention in our classification networks, as a subject.

What takes torch is imported where it is called: a space is read without.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ablations.import_path import is_import_path, load_module
from ablations.subjects.attention.placing.own_attention import usual_attention
from ablations.subjects.attention.settings.arms import (
    arm_of,
    check_choice,
    inactive,
    kinds_of,
    meaning_of,
    setting_names,
    value_of,
    values_of,
    with_values,
    words_of,
)
from ablations.subjects.attention.settings.groups import Arm, Attention, Data
from ablations.subjects.attention.settings.identity import NEUTRAL, NOT_IDENTITY
from ablations.subjects.attention.settings.recipes import RECIPES
from ablations.subjects.intervention import Intervention
from ablations.subjects.own_code import own_files
from ablations.subjects.subject import Metric, Objective, Pace, Setting, Subject, Values

COST_COLUMNS = {
    "hidden": "list of integers",
    "channels": "list of integers",
    "c2_eff": "number",
    "params": "integer",
    "attention_params": "integer",
    "macs": "integer",
}
COST_TITLES = {
    "hidden": "hidden widths",
    "params": "params",
    "attention_params": "of attention",
    "macs": "MACs",
}
METRICS = (
    Metric(name="train_loss", direction="minimize", unit="nats per image"),
    Metric(name="val_loss", direction="minimize", unit="nats per image"),
    Metric(name="val_accuracy", direction="maximize"),
)
TESTED = (
    Metric(name="test_loss", direction="minimize", unit="nats per image"),
    Metric(name="test_accuracy", direction="maximize"),
)
OBJECTIVES = {
    "val_loss": Objective(direction="minimize"),
    "val_accuracy": Objective(direction="maximize"),
    "train_loss": Objective(direction="minimize"),
    "params": Objective(direction="minimize"),
    "attention_params": Objective(direction="minimize"),
    "macs": Objective(direction="minimize"),
    "latency": Objective(direction="minimize", settings={"training.measure_latency": True}),
    "seconds": Objective(direction="minimize"),
}
REDUCTION = "attention.reduction"


def _setting(name: str) -> Setting:
    return Setting(
        default=value_of(Arm(), name),
        kinds=kinds_of(name),
        words=words_of(name),
        meaning=meaning_of(name),
        refuse=partial(check_choice, name),
    )


def _complete(said: Values, given: Values) -> dict[str, Any]:
    """The usual attention of the network, where neither the space nor the command line says another."""
    arm = with_values(arm_of(said), given)
    usual = usual_attention(arm.backbone.name)
    if usual == Attention():
        return values_of(arm)
    stated = {name: value for name, value in said.items() if name.startswith("attention.")}
    replaced = {name: value for name, value in given.items() if name.startswith("attention.")}
    return values_of(
        with_values(arm.model_copy(update={"attention": usual}), {**stated, **replaced})
    )


def _fingerprint(arm: Values) -> str:
    from ablations.subjects.attention.data.dataset import fingerprint

    return fingerprint(arm_of(arm).data)


def _cost(values: Values) -> dict[str, Any]:
    from ablations.subjects.attention.cost.columns import columns_of

    return columns_of(arm_of(values))


def _verify(arms: Mapping[str, Values], declared: Sequence[str]) -> tuple[Intervention, ...]:
    from ablations.subjects.attention.interventions import shape_of, verify

    typed = {label: arm_of(values) for label, values in arms.items()}
    baseline = next(iter(typed.values()))
    return verify(typed, declared=declared, shape=shape_of(baseline))


def _pilot(arms: Sequence[Values], costs: Sequence[Values]) -> Pace:
    from ablations.subjects.attention.training.pilot import pilot

    return pilot([arm_of(values) for values in arms], macs=[int(cost["macs"]) for cost in costs])


def _notes(baseline: Values) -> list[str]:
    """What the baseline is trained on, its recipe, and its network where that is not the plain block's."""
    return [
        _data_in_words(baseline),
        *_storage_notes(baseline),
        *_recipe_notes(baseline),
        *_network_notes(baseline),
    ]


def _data_in_words(baseline: Values) -> str:
    """A layout that was taken for another shows here first."""
    from ablations.subjects.attention.data.dataset import shape, size_of_test_set, sizes

    data = arm_of(baseline).data
    (channels, size, classes), (train, val) = shape(data), sizes(data)
    test = size_of_test_set(data)
    tests = f", {test:,} test" if test else ""
    across = f"{size[0]} long" if len(size) == 1 else f"{size[0]} high and {size[1]} wide"
    return (
        f"Data {data.name}: {train + val + test:,} examples of {channels} channel{'s' * (channels != 1)}, {across}, in "
        f"{classes} classes; {train:,} train, {val:,} validate{tests}{_split_in_words(data)}"
    )


def _split_in_words(data: Data) -> str:
    return {
        "fixed": "",
        "per_seed": "; each seed has a split of its own",
        "folds": f"; the seeds take turns with {data.folds} folds",
    }[data.split]


def _storage_notes(baseline: Values) -> list[str]:
    """How stored images come to the network, by what they are told from others, and which are left out."""
    from ablations.subjects.attention.data.dataset import storage

    return list(storage(arm_of(baseline).data))


def _recipe_notes(baseline: Values) -> list[str]:
    recipe = baseline["training.recipe"]
    said = RECIPES[recipe]
    values = ", ".join(
        f"{name.rpartition('.')[2]}={baseline[name]}"
        + (f" (the recipe's: {value})" if baseline[name] != value else "")
        for name, value in said.items()
    )
    return [f"Recipe {recipe}: {values}"] if said else []


def _network_notes(baseline: Values) -> list[str]:
    name = baseline["backbone.name"]
    usual, plain = usual_attention(name), Attention()
    if usual == plain:
        return []
    fields = [
        field for field in Attention.model_fields if getattr(usual, field) != getattr(plain, field)
    ]
    kept = [
        f"{field}={getattr(usual, field)}"
        for field in fields
        if getattr(usual, field) == baseline[f"attention.{field}"]
    ]
    return [f"Attention of {name} where the space says nothing else: {', '.join(kept) or 'none'}"]


def _remarks(factors: Sequence[str], costs: Sequence[Values]) -> list[str]:
    """Which ratios can be built, where the ratio varies."""
    widths = [cost["channels"] for cost in costs if cost["channels"]]
    narrowest = min((min(channels) for channels in widths), default=None)
    if REDUCTION not in factors or narrowest is None:
        return []
    return [
        f"The narrowest block has {narrowest} channels: ratios up to {narrowest} that divide "
        "every width can be built. Larger ratios need a wider network (--set backbone.width=64, where its width "
        "is free)."
    ]


def _code(values: Iterable[Any]) -> list[Path]:
    """This subject, what it draws from and takes turns by, and the user's own parts with what they import."""
    import ablations

    root = Path(ablations.__file__).parent
    around = ("import_path.py", "lockstep.py", "one_thread.py", "streams.py")
    inside = (root / "subjects").rglob("*.py")
    paths = {value for value in values if isinstance(value, str) and is_import_path(value)}
    own = [load_module(path.partition(":")[0], named=path) for path in sorted(paths)]
    theirs = {file for module in own for file in own_files(module)}
    return sorted({*inside, *(root / name for name in around), *theirs})


def _typed(read: Callable[[Arm], Any]) -> Callable[[Values], Any]:
    return lambda values: read(arm_of(values))


SUBJECT = Subject(
    name="attention",
    train="ablations.subjects.attention.training.run:train_run",
    settings={name: _setting(name) for name in setting_names()},
    metrics=METRICS,
    metric="val_loss",
    tested=TESTED,
    assign=_typed(values_of),
    change=lambda arm, values: values_of(with_values(arm_of(arm), values)),
    complete=_complete,
    unused=_typed(inactive),
    identity={},
    neutral=NEUTRAL,
    outside_identity=NOT_IDENTITY,
    fingerprint=_fingerprint,
    cost=_cost,
    cost_columns=COST_COLUMNS,
    cost_titles=COST_TITLES,
    objectives=OBJECTIVES,
    verify=_verify,
    stacks=True,
    short=lambda arm: {**arm, "training.epochs": 2, "training.warmup_epochs": 0},
    pilot=_pilot,
    epochs=lambda arm: int(arm["training.epochs"]),
    code=_code,
    packages=("ablations", "torch", "lightning", "numpy"),
    notes=_notes,
    remarks=_remarks,
)
