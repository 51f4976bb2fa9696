"""The command that answers claims: sentences that are to be printed, checked against functions, runs and tables."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import Flag, Json, Trust
from ablations.cli.options.execution_options import USUAL, ExecutionOptions, execution
from ablations.cli.options.executors import ready_executor

if TYPE_CHECKING:
    from ablations.cli.claim_answers import ToRun

Verdict = Literal["supported", "contradicted", "loose", "undecided", "not testable"]
FAILED = 3
"""The exit code where an answer has a verdict of `--fail-on`."""


def claims(
    file: str,
    /,
    *,
    run: Flag = False,
    only: tuple[str, ...] = (),
    fail_on: tuple[Verdict, ...] = (),
    write: Annotated[tuple[Path, ...], Parameter(name="--write")] = (),
    allow_drift: Flag = False,
    trust: Trust = False,
    json: Json = False,
    how: ExecutionOptions = USUAL,
) -> None:
    """Answer a file of claims: supported, contradicted, loose, undecided or not testable, with the number.

    It calls the functions that the file names, as running a study does.

    Args:
        file: A YAML file of claims, or the name of a bundled one: attention.
        run: Run what the claims' studies lack; without it, what stands in them is read.
        only: A claim's id; repeatable.
        fail_on: End with exit code 3 where an answer is this; repeatable.
        write: Also write the answers to this file, as .md, .csv or .json; repeatable.
        allow_drift: Go on with studies that other code or package versions began.
    """
    from ablations.cli.claim_answers import answers, find_claims, to_run
    from ablations.cli.words.claims_text import print_answers
    from ablations.cli.words.result_text import print_json
    from analysis.claims.answers import check_ending
    from analysis.claims.claims import load_claims

    for path in write:
        check_ending(path)
    whole = load_claims(find_claims(file))
    asked = whole.only(only)
    for study in to_run(whole, asked, root=how.root):
        if run:
            _run(study, how, allow_drift=allow_drift, trust=trust)
    found = answers(whole, asked, named=file, root=how.root)
    for path in write:
        found.write(path)
    if json:
        print_json([("", found.to_json())])
    else:
        print_answers(found)
    failing = found.having(fail_on)
    if failing:
        print(f"{' or '.join(fail_on)}: {', '.join(failing)}", file=sys.stderr)
        raise SystemExit(FAILED)


def _run(study: "ToRun", how: ExecutionOptions, *, allow_drift: bool, trust: bool) -> None:
    from ablations.cli.claim_answers import run_study

    print(f"{study.folder}: {study.runs} runs", flush=True)
    with ready_executor(how, train=study.space.about.train, runs=study.runs) as make:
        run_study(
            study,
            root=how.root,
            allow_drift=allow_drift,
            trust=trust,
            execution=execution(how, make),
        )
