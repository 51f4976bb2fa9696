"""Which data a user's program is trained on: as they say themselves, by declared files, or by their first batches."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.randomness import seed_all, states_kept
from ablations.streams import stream_seed
from ablations.subjects.data_files import digest_of
from ablations.subjects.data_identity import DataIdentity, by_files
from ablations.subjects.lightning.loading.batch_digest import batch_digest
from ablations.subjects.own_module.batch import batches, unheard
from ablations.subjects.own_module.built import data_of, module_of, parts_of
from ablations.subjects.program import Program

BATCHES = 2


def fingerprint(program: Program, files: Sequence[Path], arm: Mapping[str, Any]) -> str:
    """What ids contain of the data: what they say themselves, else the content of declared files, else nothing.

    Raises:
        SettingError: If the data cannot be made.
    """
    return _told(program, arm) or digest_of(files)


def identify(
    name: str, program: Program, files: Sequence[Path], arm: Mapping[str, Any]
) -> DataIdentity:
    """By what the arm's data are told from others, the strongest first.

    Raises:
        SettingError: If the data cannot be made.
    """
    told = _told(program, arm)
    if told:
        return DataIdentity(by="method", parts={"fingerprint()": told})
    if files:
        return by_files(files)
    try:
        seen = _first(name, program, arm)
        again = _first(name, program, arm)
    except SettingError as error:
        return DataIdentity(by="nothing", reason=f"No batch could be read: {error}")
    if seen != again:
        return DataIdentity(
            by="nothing",
            reason="Their first batches differ from one reading to the next, so something in them draws from "
            "outside the shared random states.",
        )
    return DataIdentity(
        by="batches", parts={f"batch {i + 1}": digest for i, digest in enumerate(seen)}
    )


def _told(program: Program, arm: Mapping[str, Any]) -> str:
    """What a method `fingerprint` of the DataModule says; empty where there is none."""
    data = data_of(program.data, parts_of(arm).get("data", {}))
    method = getattr(data, "fingerprint", None)
    if not callable(method):
        return ""
    called = f"`{type(data).__name__}.fingerprint`"
    try:
        told = method()
    except Exception as error:
        raise SettingError(f"{called} fails: {words_of(error)}.") from error
    # The text of any other object may be another one in each process.
    if not isinstance(told, str | int | float) or told == "":
        raise SettingError(
            f"{called} must return a text or a number that tells the data from others, but returned {told!r:.60}."
        )
    return str(told)


def _first(name: str, program: Program, arm: Mapping[str, Any]) -> list[str]:
    """Hashes of the first batches to train on, read with one seed, whatever the run's."""
    parts = parts_of(arm)
    with states_kept(), unheard():
        seed_all(stream_seed(0, "identity"))
        module = module_of(name, parts.get("model", {}), seed=0).module
        data = data_of(program.data, parts.get("data", {}))
        seed_all(stream_seed(0, "identity"))
        return [
            batch_digest(batch) for batch in islice(batches(module, data, kind="train"), BATCHES)
        ]
