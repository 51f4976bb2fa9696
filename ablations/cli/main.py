"""The command `ablate`: its commands by name, each loaded when it is called, and how errors are said."""

import math
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from itertools import pairwise
from typing import get_args

from cyclopts import (
    App,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    UnusedCliTokensError,
)

from ablations.cli.steps import EXAMPLES, STEPS, step_of
from ablations.errors import SettingError, StudyError, message_of, one_of
from analysis.errors import TableError
from plain_files.words import visible, without_secrets

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("ablations.cli.beginning:init", "Write a commented space file to start from."),
    "list": ("ablations.cli.beginning:list_", "The studies here and how each stands."),
    "settings": ("ablations.cli.beginning:settings", "Every setting: meaning, default, values."),
    "spaces": ("ablations.cli.study:spaces", "The presets, one line each."),
    "show": ("ablations.cli.study:show", "A space: baseline, factors, arms, what is infeasible."),
    "check": ("ablations.cli.check:check", "Try a program out: what holds of it."),
    "run": ("ablations.cli.run:run", "Run a study, or go on with one."),
    "confirm": ("ablations.cli.run:confirm", "Fresh seeds for what a study proposes."),
    "status": ("ablations.cli.study:status", "How far a study is."),
    "reproduce": ("ablations.cli.study:reproduce", "Train one run again and compare."),
    "report": ("ablations.cli.report:report", "Write a study's report: verdicts, figures, tables."),
    "test": ("ablations.cli.test_set:look_at", "What a test set says of the conclusions, once."),
    "plot": ("ablations.cli.report:plot", "Draw one figure of a study."),
    "fit": ("ablations.cli.analysis:fit", "Fit the trade-off r* to a study or any table."),
    "effects": ("ablations.cli.analysis:effects", "Effect and verdict of each component."),
    "width": ("ablations.cli.analysis:width", "How r* grows with the number of channels."),
    "importance": ("ablations.cli.analysis:importance", "Variance shares of the factors."),
    "plan": ("ablations.cli.analysis:plan", "How many seeds a question needs."),
    "compare": ("ablations.cli.analysis:compare", "The same comparison in two studies."),
    "claims": ("ablations.cli.claims:claims", "Sentences that are to be printed, with verdicts."),
    "cost": ("ablations.cli.cost:cost", "Exact cost of a network with any attention."),
    "wandb": ("ablations.cli.dashboards:wandb", "Publish a study to W&B."),
    "leet": ("ablations.cli.dashboards:leet", "W&B's terminal viewer on a study's offline files."),
    "dashboard": ("ablations.cli.dashboards:dashboard", "Optuna's dashboard on a study."),
}


def app(called: str | None = None) -> App:
    """The command line, with every command unloaded.

    The list of commands has a line for each; the help of the one that is called is its own docstring.
    """
    made = App(
        name="ablate",
        help="Ablation and hyperparameter studies that answer with intervals and verdicts.",
        help_epilogue="With `--debug` beside any command an error shows where in the code it came about.",
        version_flags=["--version"],
        group_commands=Group("Options", sort_key=len(STEPS)),
        # Without it every repeatable option has a twin, --empty-set beside --set.
        default_parameter=Parameter(negative_iterable=(), show_default=_worth_showing),
    )
    order = {step: Group(step, sort_key=place) for place, step in enumerate(STEPS)}
    for name, (path, summary) in COMMANDS.items():
        examples = "Examples:\n\n" + "\n".join(f"- `{line}`" for line in EXAMPLES[name])
        step = step_of(name)
        made.command(
            path,
            name=name,
            help=None if name == called else summary,
            group=order[step],
            sort_key=STEPS[step].index(name),
            help_epilogue=examples,
        )
    made.register_install_completion_command()
    return made


def _worth_showing(default: object) -> object:
    """A default that the reader could not guess: not that a switch is off, or a list is empty."""
    return None if default in (False, ()) else default


def _refuse_no_number(made: App, called: str | None, words: Sequence[str]) -> None:
    """Without it `--margin None` would pass for a margin that was not given, and `inf` for a number."""
    equal = [word.partition("=")[::2] for word in words if "=" in word]
    doubtful = [pair for pair in (*equal, *pairwise(words)) if _is_no_number(pair[1])]
    if called is None or not doubtful:
        return
    numbers = {
        name
        for argument in made[called].assemble_argument_collection()
        if {int, float} & {argument.hint, *get_args(argument.hint)}
        for name in argument.names
    }
    for name, value in doubtful:
        if name.replace("_", "-") in numbers:
            raise SettingError(
                f"`{name}` must be a finite number, but got {value!r}; leave the option out, or give one."
            )


def _is_no_number(word: str) -> bool:
    if word.lower() in ("none", "null"):
        return True
    try:
        return not math.isfinite(float(word))
    except ValueError:
        return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 a fault of ours, 2 an error the user can mend."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"] or ["list"]
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal or a pipe that knows ASCII only gets every number, and other letters written out.
            stream.reconfigure(errors="backslashreplace")
    try:
        if words and not words[0].startswith("-") and words[0] not in COMMANDS:
            raise SettingError(one_of("command", words[0], sorted(COMMANDS)))
        called = next((word for word in words if word in COMMANDS), None)
        made = app(called)
        _refuse_no_number(made, called, words)
        made(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()  # what reads it may have gone away
    except UnusedCliTokensError as error:
        left = ", ".join(map(repr, error.unused_tokens or ()))
        _stop(f"`ablate {called}` takes no further words, but got {left}.", code=2)
    except MissingArgumentError as error:
        # Which option or word is missing, and where it is seen how the command is called.
        _stop(f"{_one_line(str(error))} See `ablate {called} --help`.", code=2)
    except CycloptsError as error:
        _stop(_one_line(str(error)), code=2)
    except BrokenPipeError:
        # A reader that went away (`ablate ... | head`) is no error of the command.
        os._exit(0)
    except (SettingError, StudyError, TableError, OSError) as error:
        if debug:
            raise
        _stop(_said(error), code=2)
    except MemoryError as error:
        if debug:
            raise
        why = _one_line(message_of(error))
        _stop(
            f"there is not enough memory for this{f' ({why})' if why else ''}: give it less, or more memory.",
            code=2,
        )
    except KeyboardInterrupt:
        _stop("stopped; the same command goes on from here.", code=130)
    except Exception as error:
        if debug:
            raise
        _stop(
            f"{type(error).__name__}: {_one_line(message_of(error))} (a fault in ablate itself; "
            "`--debug` shows where)",
            code=1,
        )


def _open_missing_streams() -> None:
    """Nothing is read or shown where a script closed one (`>&-`); the next file must not get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename!r}" if error.filename else ""
        way = (
            ". Its owner may let others read it (`chmod -R a+rX FOLDER`); what you write needs a folder of yours."
            if isinstance(error, PermissionError)
            else ""
        )
        return f"{error.strerror}{where}{way}"
    return str(error)


def _stop(sentence: str, *, code: int) -> None:
    print(f"ablate: {visible(without_secrets(sentence))}", file=sys.stderr)
    raise SystemExit(code)


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
