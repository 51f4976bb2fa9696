"""`ablate` called in this process."""

from ablations.cli.main import main


def exit_code(*words: str) -> object:
    """What the command ends with."""
    try:
        main(list(words))
    except SystemExit as end:
        return end.code
    return 0
