"""One training of a user's LightningModule: its streams, its records, its resume, beside the user's own callbacks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch.utils._pytree import tree_leaves

from ablations.context import CHECKPOINT_MINUTES, CHECKPOINT_SECONDS
from ablations.errors import NotMeasured, SettingError
from ablations.randomness import seed_all, states_kept
from ablations.streams import stream_seed
from ablations.subjects.lightning.again import why_again
from ablations.subjects.lightning.checkpoint import readable
from ablations.subjects.lightning.continuation import Continuation
from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.epoch_watch import OWN, logged_under
from ablations.subjects.lightning.epochs import Epochs
from ablations.subjects.lightning.loadable import refuse_unloadable
from ablations.subjects.lightning.loading.order import Order, ordered
from ablations.subjects.lightning.trainer import make_trainer, quiet
from ablations.subjects.lightning.trainer_options import checked_options
from ablations.torch_options import options_kept


class Context(Protocol):
    """What a training is given besides its settings (`ablations.engine.worker.context`)."""

    folder: Path
    device: str
    threads: int
    rank: int
    world_size: int

    def epoch(self, record: dict[str, Any]) -> None:
        """Take an epoch's record; raises to stop the run."""

    def beat(self) -> None:
        """Take note that the run makes progress."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a finished training measured.

    Attributes:
        metrics: What the module logged in the epoch that the rule names; None where it is NaN or infinite.
        epoch: That epoch, from 1.
        epochs_run: How many were trained.
        epoch_seconds: Of the last epoch, with its validation.
        tested: What `Trainer.test` logged at the end; empty where it was not asked for.
        digests: Of the first batches trained on: equal between two runs that saw the same data. Empty after
            a resume.
        limits: What the streams could not be given to, a sentence each.
        again: Why an epoch that is interrupted has to be trained from its beginning, a clause; empty where it goes on
            with the batch that it had reached.
    """

    metrics: dict[str, float | None]
    epoch: int
    epochs_run: int
    epoch_seconds: float
    tested: dict[str, float]
    digests: tuple[str, ...]
    limits: tuple[str, ...]
    again: str


def fit(
    module: pl.LightningModule,
    data: Any,
    *,
    rule: EpochRule,
    trainer_options: Mapping[str, Any],
    seed: int,
    context: Context | None = None,
    test: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    stopping: Callable[[], bool] = lambda: False,
    on_start: Callable[[], None] | None = None,
    on_end: Callable[[int], None] | None = None,
    device: str = "cpu",
    reserved: frozenset[str] = frozenset(),
) -> Outcome:
    """Train a module to its end; with a context it goes on from `checkpoint.ckpt` in the run's folder.

    The shared random states and torch's options (`torch_options`) are afterwards as they were before.

    Args:
        module: The user's, constructed (`pairing.construct`).
        data: A LightningDataModule; a training loader, or a pair of loaders to train and to validate with;
            None where the module has the loaders.
        rule: What the run is compared by, and at which epoch.
        trainer_options: Arguments of Lightning's Trainer, the user's callbacks and loggers among them.
        seed: Of the streams of order, augmentation and of what a step draws.
        context: Where to report and to keep the checkpoint; None keeps nothing.
        test: Whether to run `Trainer.test` once at the end, on the weights of the epoch that the rule names.
        checkpoint_seconds: Least age of the last checkpoint before the next one is written.
        checkpoint_minutes: Age of the last checkpoint at which one is written within an epoch, where the epoch can go
            on from there.
        stopping: Whether the run was asked to hand itself back; it then raises `ablations.context.Stopped` within the
            epoch, as soon as it is kept, where it can go on from there.
        device: A torch device, where no context has one.
        on_start: Called when all is set up for the first step; whatever it raises ends the training.
        on_end: Called with the number of the last epoch, when the module has that epoch's weights.
        reserved: Names that nothing may be logged under, since the run's record has them of its own.

    Raises:
        SettingError: If an option is the framework's, or the metric is never logged, or something under a reserved
            name, or what is asked for cannot be had of this module and data.
        NonFinite: If the metric is NaN or infinite.
    """
    options = checked_options(trainer_options)
    _check_place(options, context)
    source = data if data is None or isinstance(data, pl.LightningDataModule) else Loaders(data)
    _check(module, source, resumes=context is not None)
    if test:
        _check_test(module, source, rule, keeps=context is not None)
    folder = None if context is None else context.folder
    told = _Told(rule, options, source, module, context, reserved)
    watch = Continuation(
        on_start=on_start,
        on_epoch=told.epoch,
        on_step=None if context is None else context.beat,
        checkpoint=None if folder is None else folder / "checkpoint.ckpt",
        checkpoint_seconds=checkpoint_seconds,
        finite=(rule.metric,),
        rule=rule,
        best=folder / "best.ckpt" if test and rule.at == "best" and folder is not None else None,
        within_seconds=60 * checkpoint_minutes,
        stopping=stopping,
        why_again=lambda trainer: order.again or why_again(trainer, watch=watch),
    )
    order = Order(
        seed=seed,
        epochs_done=lambda: watch.epochs_done,
        rank=0 if context is None else context.rank,
        world_size=1 if context is None else context.world_size,
    )
    given = options.pop("callbacks", None) or []
    callbacks = [*([given] if isinstance(given, pl.Callback) else given), watch]
    # The user's module and callbacks may speak to a logger, as Lightning's Trainer has one where nothing is said.
    options.setdefault("logger", DummyLogger())
    if folder is not None:
        options.setdefault("default_root_dir", folder)
    with states_kept(), options_kept(), quiet(), _streamed(module, source, order):
        if context is not None:
            torch.set_num_threads(context.threads)
        seed_all(stream_seed(seed, "fit"))
        trainer = make_trainer(
            epochs=options.pop("max_epochs", None),
            device=device if context is None else context.device,
            world_size=order.world_size,
            callbacks=callbacks,
            options=options,
        )
        trainer.fit_loop.epoch_loop = Epochs(trainer, watch=watch)
        trainer.fit(
            module,
            **_given(source),
            ckpt_path=readable(watch.checkpoint),
            weights_only=True,
        )
        told.end(watch)
        if on_end is not None:
            on_end(watch.last["epoch"])
        tested = _tested(trainer, module, source, watch) if test else {}
    return Outcome(
        metrics={name: value for name, value in watch.kept.items() if name not in NOT_METRICS},
        epoch=watch.kept["epoch"],
        epochs_run=watch.last["epoch"],
        epoch_seconds=watch.last["seconds"],
        tested=tested,
        digests=tuple(order.digests),
        limits=tuple(order.limits),
        again=watch.again,
    )


NOT_METRICS = (*OWN, "learning_rate")


def not_logged(metric: str, record: Mapping[str, Any]) -> str:
    """The sentence for a metric that an epoch's record has not."""
    logged = sorted(name for name in record if name not in NOT_METRICS)
    names = ", ".join(map(repr, logged)) if logged else "nothing"
    return (
        f"the metric {metric!r} was not logged in epoch {record['epoch']}; what was: {names}. Log it with "
        f"`self.log({metric!r}, ...)`, or name one that is logged."
    )


class Loaders(pl.LightningDataModule):
    """Loaders that a user has without a DataModule: the one to train with, or that and one to validate with."""

    def __init__(self, loaders: Any) -> None:
        super().__init__()
        if isinstance(loaders, Mapping) and "train" in loaders:
            raise SettingError(
                f"loaders must be one to train with, or a pair, but got a mapping of {', '.join(map(repr, loaders))}. "
                "Return a tuple: first the one to train with, then the one to validate with."
            )
        pair = loaders if isinstance(loaders, tuple) else (loaders, None)
        whole = len(pair) == 2 and pair[0] is not None
        if not whole or not all(isinstance(one, Iterable) for one in tree_leaves(loaders)):
            raise SettingError(
                "data must be a LightningDataModule, a loader to train with, or a pair of loaders to train and to "
                f"validate with, but got {loaders!r:.80}."
            )
        self._train, self._val = pair

    def train_dataloader(self) -> Any:
        """The first."""
        return self._train

    def val_dataloader(self) -> Any:
        """The second; none, where there is one only."""
        return [] if self._val is None else self._val


class _Told:
    """Hands records on, and says where the metric is not among them."""

    def __init__(
        self,
        rule: EpochRule,
        options: Mapping[str, Any],
        data: pl.LightningDataModule | None,
        module: pl.LightningModule,
        context: Context | None,
        reserved: frozenset[str],
    ) -> None:
        self._rule, self._context, self._data, self._module = rule, context, data, module
        self._reserved = reserved
        self._every = options.get("check_val_every_n_epoch", 1)

    def epoch(self, record: dict[str, Any]) -> None:
        """Take an epoch's record."""
        if taken := sorted(self._reserved & record.keys() - set(NOT_METRICS)):
            raise SettingError(logged_under(taken[0], by=type(self._module).__name__))
        if self._context is not None:
            self._context.epoch(record)
        # Where validation comes every n steps (None) it may come later than any epoch.
        if self._every is not None and record["epoch"] == self._every:
            self._refuse_without(record)

    def end(self, watch: Continuation) -> None:
        """Check that some epoch measured the metric."""
        if not watch.last:
            raise SettingError(
                "the training ended before its first epoch did: the loader gives no batch, or `trainer.max_steps` "
                "is smaller than an epoch. Give it more."
            )
        if not watch.kept:
            self._refuse_without(watch.last)

    def _refuse_without(self, record: dict[str, Any]) -> None:
        if self._rule.metric not in record:
            raise NotMeasured(f"{not_logged(self._rule.metric, record)}{self._why_nothing()}")

    def _why_nothing(self) -> str:
        """That nothing is validated, as a further sentence, where it is so."""
        if isinstance(self._data, Loaders) and not _validates(self._module, self._data):
            lacks = "There is no loader to validate with"
        elif not _validates(self._module, self._data):
            source = type(self._module if self._data is None else self._data).__name__
            lacks = f"`{source}` has no `val_dataloader`"
        elif not sum(self._module.trainer.num_val_batches):
            lacks = "The `val_dataloader` gives no batch"
        else:
            return ""
        return f" {lacks}, so nothing is validated: that may be why."


@contextmanager
def _streamed(
    module: pl.LightningModule, data: pl.LightningDataModule | None, order: Order
) -> Iterator[None]:
    with ExitStack() as stack:
        for owner in (module, data):
            if owner is not None:
                stack.enter_context(ordered(owner, order))
        yield


def _check(
    module: pl.LightningModule, data: pl.LightningDataModule | None, *, resumes: bool
) -> None:
    if not isinstance(module, pl.LightningModule):
        raise SettingError(
            f"what is trained must be a LightningModule, but got a {type(module).__name__}. Wrap the network in one "
            "that has `training_step` and `configure_optimizers`, or use a function as the subject."
        )
    if not _has("train_dataloader", module, data):
        source = "it has" if data is None else f"`{type(data).__name__}` has"
        raise SettingError(
            f"`{type(module).__name__}` has nothing to train on: {source} no `train_dataloader`. Write it, or name "
            "the `data`."
        )
    for owner in (module, data) if resumes else ():
        if owner is not None:
            refuse_unloadable(owner.hparams, of=type(owner).__name__)


def _check_place(options: Mapping[str, Any], context: Context | None) -> None:
    """Refuse what cannot be computed where the run is."""
    if context is None or context.world_size == 1 or context.device.startswith("cuda"):
        return
    if options.get("sync_batchnorm"):
        raise SettingError(
            "`trainer.sync_batchnorm` needs GPUs, since torch's SyncBatchNorm computes nowhere else, but this run's "
            f"{context.world_size} processes are on the {context.device.upper()}. Leave it out, or give the run GPUs."
        )


def _check_test(
    module: pl.LightningModule, data: pl.LightningDataModule | None, rule: EpochRule, *, keeps: bool
) -> None:
    if rule.at == "best" and not keeps:
        raise SettingError(
            "a test of the best epoch needs a folder to keep its weights in: give `fit` a context, or read the "
            "last epoch (`at='last'`)."
        )
    has_loader = _has("test_dataloader", module, data)
    if not (has_loader and is_overridden("test_step", module)):
        missing = "`test_step`" if has_loader else "`test_dataloader`"
        raise SettingError(
            f"a test at the end needs {missing}, which neither `{type(module).__name__}` nor its data have. Write "
            "it, or do not ask for a test."
        )


def _given(source: pl.LightningDataModule | None) -> dict[str, Any]:
    """The data as `Trainer.fit` takes them; loaders as such: Lightning looks for a DataModule's hooks each step."""
    if isinstance(source, Loaders):
        return {
            "train_dataloaders": source.train_dataloader(),
            "val_dataloaders": source.val_dataloader(),
        }
    return {"datamodule": source}


def _validates(module: pl.LightningModule, data: pl.LightningDataModule | None) -> bool:
    if isinstance(data, Loaders):
        return bool(data.val_dataloader() != [])
    return _has("val_dataloader", module, data)


def _has(hook: str, module: pl.LightningModule, data: pl.LightningDataModule | None) -> bool:
    of_data = data is not None and is_overridden(hook, data, pl.LightningDataModule)
    return bool(of_data or is_overridden(hook, module))


def _tested(
    trainer: pl.Trainer, module: pl.LightningModule, data: Any, watch: Continuation
) -> dict[str, float]:
    """What the test logs; bare loaders have none to test with, so the module has it then."""
    source = None if isinstance(data, Loaders) else data
    logged = trainer.test(
        module, datamodule=source, ckpt_path=watch.best, verbose=False, weights_only=True
    )
    return {name: float(value) for one in logged for name, value in one.items()}
