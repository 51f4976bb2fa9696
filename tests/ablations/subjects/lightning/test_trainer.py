import importlib.metadata
import warnings

import lightning.pytorch as pl
import pytest

from ablations.subjects.lightning.checkpoint import AtomicCheckpointIO
from ablations.subjects.lightning.trainer import make_trainer, quiet


def test_quiet_hides_what_is_meant_so_and_nothing_else() -> None:
    with quiet():
        warnings.warn("`isinstance(treespec, LeafSpec)` is deprecated", FutureWarning, stacklevel=1)
        with pytest.warns(UserWarning, match=r"^something is wrong$"):
            warnings.warn("something is wrong", UserWarning, stacklevel=1)


def test_quiet_leaves_the_filters_as_they_were() -> None:
    before = list(warnings.filters)
    with quiet():
        assert warnings.filters != before
    assert warnings.filters == before


def test_a_trainer_writes_whole_checkpoints_and_no_log() -> None:
    class Own(pl.Callback):
        pass

    own = Own()
    with quiet():
        trainer = make_trainer(epochs=3, device="cpu", world_size=1, callbacks=[own])
    assert isinstance(trainer.strategy.checkpoint_io, AtomicCheckpointIO)
    assert (trainer.max_epochs, trainer.num_devices, trainer.loggers) == (3, 1, [])
    assert own in trainer.callbacks
    assert trainer.checkpoint_callbacks == []


def test_installed_packages_are_looked_through_once_and_not_for_each_trainer(monkeypatch) -> None:
    def make() -> None:
        with quiet():
            make_trainer(epochs=1, device="cpu", world_size=1, callbacks=[])

    make()
    monkeypatch.setattr(importlib.metadata, "distributions", pytest.fail)
    make()
