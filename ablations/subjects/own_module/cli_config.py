"""A file of LightningCLI's (`python main.py fit --print_config > config.yaml`) as the baseline of a space."""

import inspect
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl

from ablations.errors import SettingError, one_of
from ablations.subjects.lightning.trainer_options import OWNED
from ablations.subjects.values import flat

SECTIONS = (
    "model",
    "data",
    "trainer",
    "optimizer",
    "lr_scheduler",
    "seed_everything",
    "ckpt_path",
    "weights_only",
)


def content_of(config: object, *, file: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a space, with what the file says in place of its `baseline`.

    What is at Lightning's default says nothing. `class_path` of `model` and `data` are the space's `subject` and
    `data`, where it names none.

    Args:
        config: The file's content.
        file: Its name.
        given: The fields of the space as its author wrote them; its own `trainer` options come before the file's.

    Raises:
        SettingError: If the file is none of LightningCLI's, or says what a study cannot do.
    """
    sections = config.get("fit", config) if isinstance(config, Mapping) else config
    if not isinstance(sections, Mapping) or "model" not in sections:
        raise SettingError(
            f"`baseline` must be settings, or a file of LightningCLI's with a section `model`, but {file!r} is not "
            "one. `python main.py fit --print_config` prints one."
        )
    for name in sections:
        if name not in SECTIONS:
            raise SettingError(
                f"{file!r}: {one_of('section', name, SECTIONS)} Objects that a LightningCLI of your own adds are not "
                "made here: make them in the module, or as `trainer.callbacks`."
            )
    if sections.get("ckpt_path") is not None:
        raise SettingError(
            f"{file!r} starts from `ckpt_path` {sections['ckpt_path']!r}, but every run of a study starts from its own "
            "seed: remove it, and load pretrained weights in the module's constructor."
        )
    subject, model = _class_and_arguments(sections, "model", file=file)
    data, loaders = _class_and_arguments(sections, "data", file=file)
    trainer, left_out = _trainer(_mapping(sections.get("trainer"), "trainer", file=file), file=file)
    if type(seed := sections.get("seed_everything")) is int:
        left_out = (f"`seed_everything` ({seed}): a study has seeds of its own", *left_out)
    schedule = {
        name: x for name in ("optimizer", "lr_scheduler") if (x := sections.get(name)) is not None
    }
    named = {"subject": subject, "data": data}
    return {
        **{name: path for name, path in named.items() if path is not None},
        **given,
        "baseline": flat({"model": model, "data": loaders, **schedule}),
        "trainer": {**trainer, **(given.get("trainer") or {})},
        "left_out": tuple(f"{file}: {one}." for one in left_out),
    }


def _class_and_arguments(
    sections: Mapping[Any, Any], name: str, *, file: str
) -> tuple[str | None, dict[str, Any]]:
    """The import path of the class, where the section names one, and its arguments."""
    section = sections.get(name)
    if isinstance(section, str):
        section = {"class_path": section}
    content = _mapping(section, name, file=file)
    if "class_path" not in content:
        return None, content
    module, _, called = str(content["class_path"]).rpartition(".")
    return f"{module}:{called}", _mapping(content.get("init_args"), f"{name}.init_args", file=file)


def _mapping(value: object, name: str, *, file: str) -> dict[str, Any]:
    if isinstance(value, Mapping) or value is None:
        return dict(value or {})
    raise SettingError(
        f"{file!r}: `{name}` must say names and their values, but is {value!r}. Write them below it, one on a line, or "
        "leave it out."
    )


def _trainer(section: Mapping[str, Any], *, file: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The options that a study takes, and a phrase on each that it does not."""
    known = inspect.signature(pl.Trainer).parameters
    taken: dict[str, Any] = {}
    left_out = []
    for name, value in section.items():
        if name not in known:
            raise SettingError(f"{file!r}: {one_of('trainer option', name, known)}")
        if value == known[name].default:
            continue
        if name in OWNED:
            left_out.append(f"`trainer.{name}` ({value}) is not used. {OWNED[name]}")
        elif name == "logger" and isinstance(value, bool):
            left_out.append(f"`trainer.logger` ({value}) is not used: what is logged is recorded")
        else:
            taken[name] = value
    return taken, tuple(left_out)
