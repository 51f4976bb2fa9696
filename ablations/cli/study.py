"""Commands that look at spaces, studies and runs: spaces, show, status, reproduce."""

import json as json_format

from ablations.cli.options.arguments import (
    ROOT,
    Design,
    Flag,
    Json,
    Root,
    Set,
    Trust,
    Whole,
    as_named,
    assignments,
    design_name,
    find_study,
)
from ablations.errors import SettingError


def spaces() -> None:
    """The presets, one line each."""
    from ablations.designs.presets import described

    found = list(described())
    width = max(len(one.name) for one in found)
    for one in found:
        print(f"{one.name:<{width}} {one.question}  [{', '.join(one.factors)}]")


def show(
    space: str,
    /,
    *,
    design: Design | None = None,
    seeds: Whole | None = None,
    verify: Flag = False,
    set_: Set = (),
) -> None:
    """A space: its baseline, factors, arms and runs, and what cannot be built and why.

    Args:
        space: A preset, a .yaml or .py file, or package.module:name.
        design: How the space becomes a list of runs; by default grid, or search where a factor has a range.
        seeds: Seeds, each a block of all arms; the space's own number by default.
        verify: Also build each arm, and show what it changes of the baseline's network.
    """
    from ablations.cli.words.space_text import print_space
    from ablations.designs.spaces import load_space

    asked = load_space(space, assignments(set_))
    if design is None:
        design = "grid" if all(factor.levels for factor in asked.factors) else "search"
    if verify and design == "search":
        raise SettingError(
            "`--verify` builds every arm of a design, but a search has no list of arms. Leave it out, or name "
            "another --design, for which every factor must have levels."
        )
    print_space(asked, design=design_name(design), seeds=seeds)
    if verify:
        from ablations.cli.words.verify_text import print_verified

        print_verified(asked, design=design_name(design))


def status(study: str, /, *, json: Json = False, root: Root = ROOT) -> None:
    """How far a study is: runs done, running, failed; the best arm; time left.

    Args:
        study: Name or folder of the study; it may be running.
    """
    from ablations.engine.records.folder import StudyFolder
    from ablations.engine.standing.status import status as read_status

    folder = find_study(root, study)
    now = read_status(StudyFolder.open(folder))
    if json:
        print(json_format.dumps(now.to_json(), indent=1))
        return
    from ablations.cli.words.status_text import print_status

    print_status(now, named=as_named(folder))


def reproduce(
    study: str,
    run: str,
    /,
    *,
    device: str = "cpu",
    trust: Trust = False,
    root: Root = ROOT,
) -> None:
    """Train one run again and say whether the result is equal to the last bit.

    Args:
        study: Name or folder of the study.
        run: Id of a complete run, or the beginning of one.
        device: cpu, cuda:0, ...
    """
    from ablations.engine.records.folder import StudyFolder
    from ablations.studies.reproduction import reproduce as train_again

    folder = StudyFolder.open(find_study(root, study))
    done = train_again(folder, run, device=device, trust=trust)
    for name, was in done.stored.items():
        print(f"{name:<13} {was!r:<22} {done.again[name]!r}")
    for change in done.conditions:
        print(f"not as it was: {change}")
    print(f"run {done.run}: {'equal' if done.equal else 'NOT equal'}")
    if not done.equal:
        raise SystemExit(1)
