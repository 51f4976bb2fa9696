"""What a study says of itself: the content of `study.json`, and how two declarations differ."""

from typing import Any

from ablations.designs.expand import PlannedArm, varied
from ablations.designs.levels import told
from ablations.designs.space import Space
from ablations.engine.records import provenance
from ablations.engine.records.folder import USUAL_METRICS
from ablations.subjects.subject import Subject, Values
from ablations.subjects.values import flat

RUNS_TABLE_VERSION = 1

# The columns that every runs table has, besides one per factor, cost and metric (docs/study-folder.md).
RUN_COLUMNS = {
    "study": "text",
    "run": "text",
    "attempt": "integer",
    "arm": "text",
    "label": "text",
    "seed": "integer",
    "stage": "text",
    "state": "text",
    "data": "text",
    "metric": "text",
}
PROGRESS_COLUMNS = {"epochs_run": "integer", "epochs_planned": "integer"}
OUTCOME_COLUMNS = {"seconds": "number", "device": "text", "error": "text"}

Declaration = dict[str, Any]

# A search with other answers to these would be another search; what was tried cannot be read both ways.
FIXED_IN_A_SEARCH = ("objectives", "max_params", "per_arm", "seeds")
FREE_IN_A_SEARCH = ("trials",)


def declare(
    space: Space, baseline: PlannedArm, *, study: str, design: str, seeds: list[int]
) -> Declaration:
    """The content of `study.json`, without what the folder itself adds."""
    names, about = varied(space), space.about
    stated = space.stated()
    return {
        "study": study,
        "design": design,
        "seeds": seeds,
        "space": stated,
        "baseline": {name: told(space.baseline[name]) for name in names},
        "baseline_arm": baseline.id,
        "metric": about.metric,
        "direction": about.direction,
        **_metrics(about),
        **_tested(about),
        "fingerprint": {
            **provenance.fingerprint(
                space=stated,
                data=about.fingerprint(space.baseline),
                code=about.sources(space.values()),
                packages=about.packages,
            ),
            **_identity(about, space.baseline),
        },
        "code_version": provenance.code_version(),
        "runs_table": {
            "version": RUNS_TABLE_VERSION,
            "columns": {**_columns(about), **dict.fromkeys(names, "value")},
        },
    }


def _identity(about: Subject, baseline: Values) -> dict[str, Any]:
    """By what the data are told from others, where the subject says it."""
    return {} if about.identify is None else {"data_by": about.identify(baseline).to_json()}


def _metrics(about: Subject) -> dict[str, Any]:
    """The metrics, where they are not those that every study had before there was a choice."""
    if [one.name for one in about.metrics] == list(USUAL_METRICS):
        return {}
    return {
        "metrics": {
            one.name: {"direction": one.direction, "unit": one.unit} for one in about.metrics
        }
    }


def _tested(about: Subject) -> dict[str, Any]:
    """What the test set says, where the subject has one."""
    measured = {one.name: {"direction": one.direction, "unit": one.unit} for one in about.tested}
    return {"tested": measured} if measured else {}


def _columns(about: Subject) -> dict[str, str]:
    """Name -> type, of every column but the factors'."""
    measured = {one.name: "number" for one in about.metrics}
    return {
        **RUN_COLUMNS,
        **about.cost_columns,
        **PROGRESS_COLUMNS,
        **measured,
        **OUTCOME_COLUMNS,
    }


def conflicts(stored: Declaration, asked: Declaration) -> list[str]:
    """What the two contradict each other in: one line each, `name: stored -> asked`.

    What only adds runs to the same question is no conflict (`additions`).
    """
    was, now = _flat(stored), _flat(asked)
    lines = [
        f"{name}: {was.get(name, 'absent')} -> {now.get(name, 'absent')}"
        for name in dict.fromkeys([*was, *now])
        if was.get(name) != now.get(name)
    ]
    levels, wanted = _levels(stored), _levels(asked)
    for name, known in levels.items():
        gone = [level for level in known if level not in wanted.get(name, known)]
        if name not in wanted:
            lines.append(f"factor {name}: no longer varied")
        elif gone:
            lines.append(f"factor {name}: levels {gone} are gone")
    for label, changes in stored["space"]["controls"].items():
        now_changes = asked["space"]["controls"].get(label)
        if now_changes != changes:
            lines.append(f"control {label!r}: {changes} -> {now_changes}")
    return lines + [
        f"{name} of the search: {old} -> {new}"
        for name, old, new in _search_changes(stored, asked)
        if name in FIXED_IN_A_SEARCH
    ]


def additions(stored: Declaration, asked: Declaration) -> list[str]:
    """What is asked for beyond what is stored: designs, seeds, factors, levels, controls."""
    lines = []
    if asked["design"] not in _designs(stored):
        lines.append(f"design: {asked['design']}")
    if new := [seed for seed in asked["seeds"] if seed not in stored["seeds"]]:
        lines.append(f"seeds: {new}")
    known = _levels(stored)
    for name, wanted in _levels(asked).items():
        if name not in known:
            lines.append(f"factor {name}: {wanted}")
        elif more := [level for level in wanted if level not in known[name]]:
            lines.append(f"factor {name}: levels {more}")
    known_controls = stored["space"]["controls"]
    lines += [f"control {x!r}" for x in asked["space"]["controls"] if x not in known_controls]
    return lines + [
        f"{name} of the search: {old} -> {new}"
        for name, old, new in _search_changes(stored, asked)
        if name not in (*FIXED_IN_A_SEARCH, *FREE_IN_A_SEARCH)
    ]


def extended(stored: Declaration, asked: Declaration) -> Declaration:
    """The stored declaration with what is asked for added; nothing that it had is lost."""
    seeds = [*stored["seeds"], *(seed for seed in asked["seeds"] if seed not in stored["seeds"])]
    return {**stored, **asked, "design": stored["design"], "seeds": seeds}


def _designs(stored: Declaration) -> list[str]:
    """The design that the study was started with, and those that were added."""
    added = [line for note in stored.get("extensions", ()) for line in note.get("added", ())]
    words = [str(line).partition("design: ") for line in added]
    return [stored["design"], *(name for before, found, name in words if found and not before)]


def _search_changes(stored: Declaration, asked: Declaration) -> list[tuple[str, Any, Any]]:
    """What two searches differ in; nothing where there is only one."""
    was, now = stored.get("search"), asked.get("search")
    if was is None or now is None:
        return []
    return [(name, was.get(name), now[name]) for name in now if was.get(name) != now[name]]


def _levels(declared: Declaration) -> dict[str, list[Any]]:
    return {
        factor["name"]: factor["levels"] or [factor["low"], factor["high"], factor["log"]]
        for factor in declared["space"]["factors"]
    }


def _flat(declared: Declaration) -> dict[str, Any]:
    """What must be equal for two declarations to be of one study."""
    # A setting that came later than the study means in it what it means in the ids: as before.
    about = Space(**declared["space"]).about
    settings = {f"baseline {name}": value for name, value in about.neutral.items()}
    settings |= {
        f"baseline {name}": value
        for name, value in flat(declared["space"]["baseline"]).items()
        if name not in about.outside_identity
    }
    same = ("metric", "direction")
    return {
        "subject": about.name,
        "data": declared["fingerprint"]["data"],
        **_files(declared),
        **{name: declared[name] for name in same},
        **settings,
    }


def _files(declared: Declaration) -> dict[str, str]:
    """File -> hash, of the files that a space declares to be its data."""
    told = declared["fingerprint"].get("data_by") or {}
    parts: dict[str, str] = told.get("parts") or {}
    return (
        {f"data {name}": digest for name, digest in parts.items()}
        if told.get("by") == "files"
        else {}
    )
