"""What a space says of a program of the user's own, besides its settings."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ablations.subjects.settings import Settings
from ablations.subjects.subject import Direction


class MeasuredBy(Settings):
    """A number that the program measures."""

    name: str = Field(min_length=1)
    direction: Direction
    unit: str = ""
    at: Literal["last", "best"] = "last"
    """Of which epoch: the last, or the best by this number, which is a minimum over noise."""


class Attach(Settings):
    """Where in the program's network channel attention is put, so that `attention.*` are settings of the study."""

    at: tuple[str, ...] = Field(min_length=1)
    """Patterns of names of modules, or import paths of classes of modules."""
    layout: Literal["infer", "channels_first", "channels_last"] = "infer"
    """Where the channels of a map are, if that cannot be seen."""
    forward: str | None = None
    """A function of the module and a batch that passes it, `package.module:name`; else its validation step does."""

    @model_validator(mode="before")
    @classmethod
    def _one_pattern_is_a_list_of_one(cls, values: Any) -> Any:
        is_one = isinstance(values, dict) and isinstance(values.get("at"), str)
        return {**values, "at": (values["at"],)} if is_one else values


class Program(Settings):
    """What a subject must know that is a function, or a LightningModule with its data."""

    data: str | None = None
    """A LightningDataModule, or a function that returns loaders: `package.module:name`."""
    metrics: tuple[MeasuredBy, ...] = Field(min_length=1)
    """The first decides."""
    trainer: dict[str, Any] = {}
    """Arguments of Lightning's Trainer, the same for every arm."""
    fingerprint: tuple[str, ...] = ()
    """Files, or patterns of files, whose content is the data's."""
    attach: Attach | None = None
    """Channel attention in the network; None attaches none."""
    test: bool = False
    """Run `Trainer.test` once at the end."""

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
        if len(set(names)) != len(names):
            raise ValueError(f"each metric must be named once, but got {names}.")
        return self


def _example(word: str) -> str:
    one = "{name: val_mae, direction: minimize}"
    return one if word == "metric" else f"[{one}]"


WORDS = frozenset({"metric", *Program.model_fields})
"""The words of a space's file that are of its program."""
