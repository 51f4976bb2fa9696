"""Every option that takes a number refuses what is none."""

from typing import get_args

import pytest

from ablations.cli.main import COMMANDS, app, main


def numeric(command: str) -> list[tuple[tuple[str, ...], str]]:
    """The command with the words that it needs, and each of its options that take numbers."""
    arguments = app(command)[command].assemble_argument_collection()
    needed = ["s" for one in arguments if one.required]
    numbers = [one for one in arguments if {int, float} & {one.hint, *get_args(one.hint)}]
    names = [name for one in numbers for name in one.names if name.startswith("--")]
    return [((command, *needed), name) for name in names]


OPTIONS = [found for command in COMMANDS for found in numeric(command)]


def test_there_are_such_options():
    assert (("fit", "s"), "--price-per-param") in OPTIONS
    assert (("run", "s"), "--workers") in OPTIONS


@pytest.mark.parametrize(("words", "option"), OPTIONS)
def test_no_option_takes_what_is_no_number(words, option, capsys):
    refused("None", words, option, capsys)


@pytest.mark.parametrize("word", ["null", "nan", "inf", "-inf", "1e999", "", " "])
@pytest.mark.parametrize(
    ("words", "option"), [(("fit", "s"), "--price-per-param"), (("run", "s"), "--workers")]
)
def test_whichever_word_it_is(words, option, word, capsys):
    refused(word, words, option, capsys)


def test_a_number_that_is_none_is_told_so(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "s", "--price-per-param", "None"])
    told = "`--price-per-param` must be a finite number, but got 'None'; leave the option out, or give one."
    assert capsys.readouterr().err == f"ablate: {told}\n"


def refused(word, words, option, capsys):
    with pytest.raises(SystemExit) as left:
        main([*words, f"{option}={word}"])
    said = capsys.readouterr().err
    assert (left.value.code, said.count("\n"), option in said) == (2, 1, True)
