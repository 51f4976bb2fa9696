"""Whose seeds a plan counts: of the arms that a design makes of a space, or of those that a study has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.cli.options.arguments import ROOT, Design, design_name
from ablations.errors import SettingError, StudyError, one_of
from plain_files.study_folders import studies_in

if TYPE_CHECKING:
    from analysis.sequential.rule import AnArm

RATIO = "attention.reduction"


@dataclass(frozen=True, kw_only=True)
class PlannedArms:
    """The arms that are to have seeds, and what is known of them without a run."""

    name: str
    """Of the space or the study, as it was asked for."""
    kind: str
    """`space` or `study`."""
    arms: "Sequence[AnArm]"
    """The baseline first."""
    ratios: list[float]
    """The levels of the reduction ratio, from small to large; none where it does not vary."""
    controls: int
    metric: str
    direction: str


@dataclass(frozen=True, kw_only=True)
class _Arm:
    id: str
    label: str
    factors: Mapping[str, Any]
    cost: Mapping[str, Any]


def study_meant(text: str, root: Path) -> Path | None:
    """The folder of the study that the text names; None where it names a space, which goes first.

    Raises:
        SettingError: If it names neither; says the nearest of both.
    """
    from ablations.designs.presets import preset_names

    if ":" in text or text.endswith((".yaml", ".yml", ".py")) or text in (spaces := preset_names()):
        return None
    places = (root / text, *([Path(text)] if root == ROOT else []))
    found = next((path for path in places if (path / "study.json").is_file()), None)
    if found is None:
        raise SettingError(
            one_of("space or study", text, [*spaces, *(study.name for study in studies_in(root))])
            + " A space of your own is a .yaml or .py file, or `package.module:name`."
        )
    return found


def arms_of_space(text: str, *, design: Design | None) -> PlannedArms:
    """What a design, by default a grid, makes of a space.

    Raises:
        SettingError: If there is no such space, or the design does not fit it.
    """
    from ablations.designs.expand import expand
    from ablations.designs.spaces import load_space

    space = load_space(text)
    return PlannedArms(
        name=text,
        kind="space",
        arms=expand(space, design=design_name(design or "grid")).arms,
        ratios=next(([float(r) for r in f.ranked] for f in space.factors if f.name == RATIO), []),
        controls=len(space.controls),
        metric=space.about.metric,
        direction=space.about.direction,
    )


def arms_of_study(text: str, path: Path, *, design: Design | None) -> PlannedArms:
    """What a study has run or is to run; its program is not imported.

    Raises:
        SettingError: If a design is named.
        StudyError: If it is a search.
    """
    from ablations.engine.records.folder import StudyFolder

    if design is not None:
        raise SettingError(
            f"`--design` says how a space becomes arms, but {text!r} is a study, whose arms are known. Leave it out."
        )
    folder = StudyFolder.open(path)
    study, plan = folder.declaration(), folder.plan()
    if any(run.stage == "search" for run in plan) or study["design"] == "search":
        raise StudyError(
            f"the study {text!r} is a search, which has no list of arms: conclude with `ablate confirm {text}`, or "
            "plan a space whose factors have levels."
        )
    runs = {run.arm: run for run in plan if run.stage != "confirm"}
    base = str(study["baseline_arm"])
    arms = [
        _Arm(id=run.arm, label=run.label, factors=run.factors, cost=run.cost)
        for run in sorted(runs.values(), key=lambda run: run.arm != base)
    ]
    levels = {one["name"]: one["levels"] for one in study["space"]["factors"]}
    return PlannedArms(
        name=text,
        kind="study",
        arms=arms,
        ratios=sorted(float(r) for r in levels.get(RATIO, ())),
        controls=len(study["space"]["controls"]),
        metric=study["metric"],
        direction=study["direction"],
    )
