"""What a space says of a program of the user's own, besides its settings."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablations.subjects.settings import Settings, hint
from ablations.subjects.subject import Direction, Metric, Objective

RECORDED = frozenset(
    (
        "study", "run", "attempt", "arm", "label", "seed", "stage", "state", "data", "metric", "hidden", "channels",
        "epoch", "epochs_run", "epochs_planned", "device", "seconds", "host", "started", "ended", "versions",
        "stacked", "error", "test",
    )
)  # fmt: skip
"""What a run's record and the runs table call things of their own: no metric can have such a name."""


BESIDE = frozenset(("learning_rate",))
"""What an epoch's record may have beside the metrics: what a run was told, and no outcome of it."""


class MeasuredBy(Settings):
    """A number that the program measures."""

    name: str = Field(min_length=1)
    direction: Direction = Field(
        json_schema_extra=hint("Say which way the metric is better: `minimize` or `maximize`.")
    )
    unit: str = ""
    at: Literal["last", "best", "test"] = "last"
    """Of which epoch: the last, or the best by this number, which is a minimum over noise. `test`: measured once at
    the end, by `Trainer.test`, and shown by `ablate test` only."""


class Attach(Settings):
    """Where in the program's network channel attention is put, so that `attention.*` are settings of the study."""

    at: tuple[str, ...] = Field(
        min_length=1, json_schema_extra=hint('Say where: `attach: {at: "encoder.*.conv2"}`.')
    )
    """Patterns of names of modules, or import paths of classes of modules."""
    layout: Literal["infer", "channels_first", "channels_last"] = "infer"
    """Where the channels of a map are, if that cannot be seen."""
    forward: str | None = None
    """A function of the module and a batch that passes it, `package.module:name`; else its validation step does."""
    record_gates: bool = False
    """Write what the gates do to `gates.jsonl` and `channels.json` at the end of each run."""
    mask: str | None = None
    """An argument of these modules that is True at the positions that count; None where all count."""

    @model_validator(mode="before")
    @classmethod
    def _one_pattern_is_a_list_of_one(cls, values: Any) -> Any:
        is_one = isinstance(values, dict) and isinstance(values.get("at"), str)
        return {**values, "at": (values["at"],)} if is_one else values

    @model_serializer(mode="wrap")
    def _without_a_mask_as_before_there_was_one(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        return {k: v for k, v in content.items() if k != "mask" or v is not None}


class Program(Settings):
    """What a subject must know that is a function, or a LightningModule with its data."""

    data: str | None = None
    """A LightningDataModule, or a function that returns loaders: `package.module:name`."""
    metrics: tuple[MeasuredBy, ...] = Field(min_length=1)
    """The first decides."""
    trainer: dict[str, Any] = Field(
        {}, json_schema_extra=hint("For example `trainer: {max_epochs: 20}`.")
    )
    """Arguments of Lightning's Trainer, the same for every arm."""
    fingerprint: tuple[str, ...] = ()
    """Files, or patterns of files, whose content is the data's."""
    attach: Attach | None = Field(
        None, json_schema_extra=hint('Say where: `attach: {at: "encoder.*.conv2"}`.')
    )
    """Channel attention in the network; None attaches none."""
    keep_data: bool = False
    """Make the data once for each worker and set them up once, instead of for each run."""
    left_out: tuple[str, ...] = ()
    """What a file that the baseline comes from says and a study does not use, a sentence each."""

    @model_validator(mode="before")
    @classmethod
    def _one_metric_is_a_list_of_one(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        content = dict(values)
        for word in ("metric", "metrics"):
            given = content.get(word, {})
            each = given if word == "metrics" and isinstance(given, list | tuple) else [given]
            for one in each:
                if not isinstance(one, dict | MeasuredBy):
                    raise ValueError(
                        f"`{word}` must say which way is better, for example `{word}: "
                        f"{_example(word)}`, but got {one!r}."
                    )
        if "metric" in content:
            if "metrics" in content:
                raise ValueError("give either `metric` or `metrics`, not both.")
            content["metrics"] = (content.pop("metric"),)
        if isinstance(content.get("metrics"), list | tuple) and content["metrics"]:
            for one in content["metrics"]:
                if isinstance(one, str):
                    raise ValueError(
                        "a metric must say which way is better, for example "
                        f"`{{name: {one}, direction: minimize}}`, but got {one!r}."
                    )
        if isinstance(content.get("fingerprint"), str):
            content["fingerprint"] = (content["fingerprint"],)
        if not content.get("metrics"):
            raise ValueError(
                "`metric` must say what the program measures and which way is better, for example "
                "`metric: {name: val_mae, direction: minimize}`."
            )
        return content

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.name for one in self.metrics]
        for name in names:
            if name in RECORDED | BESIDE:
                raise ValueError(
                    f"a metric must not be called {name!r}, which every run's record has of its own. Measure it under "
                    f"another name, `val_{name}` say."
                )
        if len(set(names)) != len(names):
            raise ValueError(f"each metric must be named once, but got {names}.")
        if self.metrics[0].at == "test":
            raise ValueError(
                f"the first metric decides, so it must be one that epochs measure, but {names[0]!r} is read at the "
                "test. Put another before it."
            )
        for one in self.metrics[1:]:
            if one.at == "best":
                raise ValueError(
                    f"the epoch is that of the first metric, {names[0]!r}, but {one.name!r} asks for its own best: "
                    "leave its `at` out, or make it the first."
                )
        return self

    @property
    def test(self) -> bool:
        """Whether something is measured at the end."""
        return bool(self.tested())

    def said(self) -> str:
        """The words of it that are not at their defaults."""
        fields = type(self).model_fields
        return ", ".join(
            f"`{x}`" for x, field in fields.items() if getattr(self, x) != field.default
        )

    def declared(self) -> tuple[Metric, ...]:
        """The metrics that arms are compared by, as a subject has them."""
        return tuple(_metric(one) for one in self.metrics if one.at != "test")

    def tested(self) -> tuple[Metric, ...]:
        """Those that are measured on the test set."""
        return tuple(_metric(one) for one in self.metrics if one.at == "test")

    def apart(self, measured: Mapping[str, Any]) -> dict[str, Any]:
        """What a run measured, with what the test set said under `test`, as the engine takes it."""
        names = {one.name for one in self.tested()}
        rest = {name: value for name, value in measured.items() if name not in names}
        said = {name: measured[name] for name in names if name in measured}
        return {**rest, "test": said} if said else rest

    def searchable(self) -> dict[str, Objective]:
        """What a search may optimise: the metrics that epochs measure, and the time."""
        found = {one.name: Objective(direction=one.direction) for one in self.declared()}
        return {**found, "seconds": Objective(direction="minimize")}


def _metric(one: MeasuredBy) -> Metric:
    return Metric(name=one.name, direction=one.direction, unit=one.unit)


def _example(word: str) -> str:
    one = "{name: val_mae, direction: minimize}"
    return one if word == "metric" else f"[{one}]"


WORDS = frozenset({"metric", *Program.model_fields})
"""The words of a space's file that are of its program."""
