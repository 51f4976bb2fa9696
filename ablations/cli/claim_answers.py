"""Claims, answered: functions are called, studies are read, and run where that is asked for.

It stands among the commands because only they know both the studies and their reading. From Python:
`ablations.check_claims("claims.yaml", run=True)`.
"""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.cli.options.arguments import ROOT
from ablations.cli.options.tables import one_table
from ablations.errors import SettingError, StudyError, one_of
from ablations.failures import words_of
from ablations.finding import Finding
from ablations.import_path import load
from analysis.claims.answer import NOT_RUN, Answer, Found
from analysis.claims.answers import Answers
from analysis.claims.claims import Claim, ClaimsFile, Measured, load_claims
from analysis.claims.measured import measured
from analysis.claims.planned_claims import another_rule, comparison_of, departure, planned_claims
from analysis.claims.published import published
from analysis.errors import TableError
from analysis.sequential.rule import until_decided
from analysis.sequential.stopped import report_stopped

if TYPE_CHECKING:
    from ablations.designs.expand import PlannedArm
    from ablations.designs.space import Space
    from ablations.studies.study import Execution
    from ablations.studies.until import StoppingRule

BUNDLED = "search_spaces.claims"
"""The package whose YAML files are known by their names."""
ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class ToRun:
    """A study of a file of claims that is to be run, or to go on."""

    name: str
    """Its key in the file."""
    folder: str
    space: "Space"
    design: str
    seeds: list[int]
    planned: dict[str, Any] | None
    """None where the study has begun with other claims: what it was started with stays."""
    until: "StoppingRule | None"
    runs: int


def check_claims(
    source: str | Path,
    *,
    only: Sequence[str] = (),
    run: bool = False,
    root: str | Path = ROOT,
    allow_drift: bool = False,
    trust: bool = False,
    execution: "Execution | None" = None,
) -> Answers:
    """The answers to a file of claims.

    Args:
        source: A YAML file, or the name of one that comes with the framework.
        only: Ids of claims; all of them without.
        run: Run what their studies lack before they are read.
        root: Where studies lie.
        allow_drift: Go on with studies that other code or versions began.
        trust: Run what a study's folder names though somebody else started it.
        execution: How and where runs are executed.

    Raises:
        TableError: If the file breaks a rule.
        SettingError: If a function fails, a space is none, or no run could decide a comparison.
        StudyError: If a study cannot be opened or written.
    """
    root = Path(root)
    file = load_claims(find_claims(str(source)))
    asked = file.only(only)
    for study in to_run(file, asked, root=root):
        if run:
            run_study(study, root=root, allow_drift=allow_drift, trust=trust, execution=execution)
    return answers(file, asked, named=str(source), root=root)


def find_claims(source: str) -> Path:
    """The file of claims that is meant: a path, or the name of a bundled one.

    Raises:
        SettingError: If there is none.
    """
    if source.endswith(ENDINGS):
        return Path(source)
    folder = Path(str(resources.files(BUNDLED)))
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if source not in known:
        raise SettingError(
            one_of("claims", source, known) + " A file of your own ends in .yaml or .yml."
        )
    return folder / f"{source}.yaml"


def to_run(file: ClaimsFile, asked: ClaimsFile, *, root: Path) -> list[ToRun]:
    """The studies of the claims that are asked for and have runs left; all that is wrong with one is said here.

    Raises:
        SettingError: If a space is none, or no run could decide a comparison.
    """
    names = dict.fromkeys(m.study for claim in asked.claims for m in claim.measured)
    made = [_to_run(file, name, root=root) for name in names if name in file.studies]
    return [one for one in made if one is not None]


def run_study(
    study: ToRun, *, root: Path, allow_drift: bool, trust: bool, execution: "Execution | None"
) -> None:
    """Run what a study lacks."""
    from ablations.studies.study import run

    run(
        study.space,
        study=study.folder,
        design=study.design,
        seeds=None if study.until else len(study.seeds),
        planned=study.planned,
        until=study.until,
        allow_drift=allow_drift,
        trust=trust,
        root=root,
        execution=execution,
    )


def answers(file: ClaimsFile, asked: ClaimsFile, *, named: str, root: Path) -> Answers:
    """The answers as the records stand; nothing is run.

    Args:
        file: All claims.
        asked: Those that are answered.
        named: The file, as a command names it.
        root: Where studies lie.
    """
    rows = [row for claim in asked.claims for row in _answers(claim, file, named=named, root=root)]
    few = len(asked.claims) < len(file.claims)
    only = "".join(f" --only {claim.id}" for claim in asked.claims) if few else ""
    return Answers(
        title=file.title,
        rows=tuple(rows),
        versions={
            "Python": platform.python_version(),
            **{p: version(p) for p in ("ablations", "torch")},
        },
        machine=f"{platform.system()} {platform.machine()} with {os.cpu_count()} cores",
        command=f"ablate claims {named}{only} --run",
    )


def _to_run(file: ClaimsFile, name: str, *, root: Path) -> ToRun | None:
    from ablations.designs.expand import expand
    from ablations.designs.spaces import load_space
    from ablations.engine.records.folder import StudyFolder
    from ablations.engine.standing.status import status

    study = file.studies[name]
    path = root / file.folder(name)
    begun = (path / "study.json").is_file()
    if begun:
        now, have = status(StudyFolder.open(path)), StudyFolder.open(path).study().get("seeds", [])
        _refuse_more_seeds(file, name, have=len(have))
        if now.planned and now.ended == now.planned and _is_over(file, name, root=root):
            return None
    try:
        space = load_space(study.space, {key: str(value) for key, value in study.set.items()})
        numbers = space.first_seeds(study.max_seeds or study.seeds)
        design = study.design.replace("-", "_")
        arms = expand(space, design=design).arms
        metric = study.metric or space.about.metric
        _refuse_undecidable(file, name, arms, metric=metric)
        plan = planned_claims(file, name, metric=metric, seeds=len(numbers))
        rule = None
        if study.max_seeds is not None:
            rule = until_decided(max_seeds=study.max_seeds, alpha=file.alpha, planned=plan.content)
            rule.declared(arms, metric=metric, direction=space.about.direction)
    except (SettingError, TableError) as error:
        raise SettingError(f"study {name!r} of {file.name}: {error}") from None
    same = not begun or StudyFolder.open(path).study().get("planned_hash") == plan.hash
    return ToRun(
        name=name,
        folder=file.folder(name),
        space=space,
        design=design,
        seeds=numbers,
        planned=plan.declared if same else None,
        until=rule,
        runs=len(arms) * len(numbers),
    )


def _is_over(file: ClaimsFile, name: str, *, root: Path) -> bool:
    """Whether a study whose planned runs have ended plans no others: only a rule may ask for more seeds."""
    if file.studies[name].max_seeds is None:
        return True
    stopped = report_stopped(one_table(file.folder(name), root))
    return stopped is not None and stopped.over


def _refuse_more_seeds(file: ClaimsFile, name: str, *, have: int) -> None:
    """Refuse seeds that were not planned: they would be a look at the data."""
    study = file.studies[name]
    if study.seeds is not None and study.seeds > have:
        raise SettingError(
            f"study {name!r} of {file.name} must have the {have} seeds that it was started with, but got "
            f"{study.seeds}. Seeds that are added later count only at looks that were declared before "
            "(`adding_seeds`): give the study another name."
        )


def _refuse_undecidable(
    file: ClaimsFile, study: str, arms: "Sequence[PlannedArm]", *, metric: str
) -> None:
    from ablations.studies.planned_comparisons import refuse_undecidable

    for claim in file.claims:
        for one in claim.measured:
            if one.study != study or not one.factor:
                continue
            entry = {**comparison_of(one), "metric": metric}
            try:
                refuse_undecidable({"planned": {"comparisons": [entry]}, "planned_hash": ""}, arms)
            except SettingError as error:
                said = str(error).removeprefix("comparison 1: ")
                raise SettingError(f"claim {claim.id!r}: {said}") from None


def _answers(claim: Claim, file: ClaimsFile, *, named: str, root: Path) -> list[Answer]:
    same: dict[str, Any] = {"id": claim.id, "sentence": claim.sentence, "source": claim.source}
    command = f"ablate claims {named} --only {claim.id}"
    rows = []
    if claim.exact:
        found = _computed(claim)
        rows.append(Answer(**same, evidence="exact", found=found, command=command))
    for number in claim.published:
        rows.append(
            Answer(**same, evidence="published", on=number.source, found=published(number), command=command)
        )  # fmt: skip
    for one in claim.measured:
        found, late = _read(claim, one, file, root=root)
        ours = file.studies.get(one.study)
        rows.append(
            Answer(
                **same,
                evidence="measured",
                found=found,
                on=ours.on or ours.space if ours else one.study,
                exploratory=late,
                command=command + " --run" * (ours is not None),
            )
        )
    if claim.not_testable:
        reason = Found(verdict="not testable", words=claim.not_testable.rstrip("."))
        rows.append(Answer(**same, evidence="none", found=reason))
    return rows


def _computed(claim: Claim) -> Found:
    """What the claim's function found."""
    rule = (
        f"claim {claim.id!r}: `exact` must name a function without arguments that returns an "
        "`ablations.Finding`, but"
    )
    try:
        function = load(claim.exact)
    except SettingError as error:
        raise SettingError(f"claim {claim.id!r}: `exact` {error}") from None
    if not callable(function):
        raise SettingError(f"{rule} {claim.exact!r} is {function!r:.80}.")
    try:
        found = function()
    except (Exception, SystemExit) as error:
        raise SettingError(
            f"claim {claim.id!r}: {claim.exact!r} failed: {words_of(error)}. Mend the function."
        ) from error
    if not isinstance(found, Finding):
        raise SettingError(f"{rule} {claim.exact!r} returned {found!r:.80}.")
    verdict = "contradicted" if not found.agrees else "loose" if found.only_where else "supported"
    return Found(
        verdict=verdict,  # type: ignore[arg-type]
        words=found.computed.rstrip("."),
        where=found.only_where if found.agrees else "",
        number=found.number,
    )


def _read(claim: Claim, one: Measured, file: ClaimsFile, *, root: Path) -> tuple[Found, str]:
    """What the study says now, and why that is exploratory."""
    ours = file.studies.get(one.study)
    if ours is not None and not (root / file.folder(one.study) / "study.json").is_file():
        return NOT_RUN, ""
    try:
        table = one_table(
            file.folder(one.study) if ours else one.study,
            root,
            metric=ours.metric if ours else None,
        )
        late = departure(claim, one, table)
        found = measured(one, table, planned=not late, alpha=file.alpha)
    except (TableError, StudyError) as error:
        raise TableError(f"claim {claim.id!r}: {error}") from None
    return found, late or another_rule(table)
