"""Reproduce: train one run of a study again and say whether the result is equal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ablations.designs.space import Space
from ablations.engine.records.folder import StudyFolder
from ablations.engine.worker.here import train_here
from ablations.errors import SettingError, StudyError
from ablations.studies.trust import refuse_untrusted


@dataclass(frozen=True)
class Reproduction:
    """A stored result beside the one just obtained."""

    run: str
    stored: dict[str, Any]
    again: dict[str, Any]
    conditions: tuple[str, ...]
    """What is not as it was then: device, versions. Empty where all is equal."""

    @property
    def equal(self) -> bool:
        """Whether every compared number is equal to the last bit."""
        return self.stored == self.again


def reproduce(
    folder: StudyFolder, run: str, *, device: str = "cpu", trust: bool = False
) -> Reproduction:
    """Train a complete run again, in this process, with one thread as a worker does.

    Args:
        folder: The study.
        run: Id of the run, or the beginning of one.
        device: A torch device.
        trust: Run what the folder names though somebody else started the study.

    Raises:
        StudyError: If there is no such run, it is not complete, or the study is somebody else's.
        SettingError: If there is no such device.
    """
    from ablations.one_thread import one_thread

    refuse_untrusted(folder, trust=trust)
    _check_device(device)
    planned = {one.run: one for one in folder.plan()}
    run_ = planned[_meant(run, planned)]
    result = folder.result(run_.run)
    if result is None or result["state"] != "COMPLETE":
        state = "has no result yet" if result is None else f"is {result['state']}"
        raise StudyError(f"only a COMPLETE run can be reproduced, but {run_.run} {state}.")
    about = Space(**folder.declaration()["space"]).about
    with one_thread():
        again = train_here(about.train, run_.settings, run=run_.run, device=device, threads=1)
    compared = [*(one.name for one in about.metrics), "epochs_run"]
    return Reproduction(
        run=run_.run,
        stored={name: result.get(name) for name in compared},
        again={name: again.get(name) for name in compared},
        conditions=_conditions(result, device=str(again.get("device", device))),
    )


def _meant(run: str, planned: Iterable[str]) -> str:
    """The id that `run` is or begins."""
    found = [name for name in planned if name.startswith(run)]
    if len(found) == 1 or run in found:
        return run if run in found else found[0]
    rule = "`run` must be the id of one run, or its beginning"
    if found:
        others = f"{', '.join(found[:3])}{', ...' if len(found) > 3 else ''}"
        raise StudyError(f"{rule}, but {run!r} begins {len(found):,}: {others}. Give more of it.")
    raise StudyError(
        f"{rule}, but no id begins with {run!r}. The ids stand in the study's plan.jsonl and in the report's table "
        "`runs_table`."
    )


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise SettingError(
            f"`device` must be one that torch has here ({', '.join(here)}), but got {device!r}: "
            f"{str(error).splitlines()[0]}"
        ) from None


def _conditions(result: dict[str, Any], *, device: str) -> tuple[str, ...]:
    from ablations.engine.records.provenance import installed

    versions: dict[str, str] = result.get("versions") or {}
    now = installed(tuple(versions))
    changed = [
        f"{name}: {was} -> {now[name]}"
        for name, was in versions.items()
        if now.get(name, was) != was
    ]
    if result["device"] != device:
        changed.append(f"device: {result['device']} -> {device}")
    if (result.get("stacked") or 1) > 1:
        changed.append(f"trained in step with {result['stacked'] - 1} others -> alone")
    return tuple(changed)
