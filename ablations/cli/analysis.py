"""Commands that read results: fit, width, effects, importance, plan, compare.

Each takes a study (its name or folder), a folder of studies, any CSV, or an Optuna storage URL. A status
other than `ok` is an answer, not an error: the exit code is 0.
"""

import math
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import ROOT, Flag, Json, Root, Whole
from ablations.cli.options.reading_options import (
    READ,
    READ_ALL,
    READ_METRIC,
    MetricAlone,
    ReadingOptions,
    WithoutBaseline,
)
from ablations.cli.options.tables import one_table, published_table
from ablations.errors import SettingError
from plain_files.numbers import as_given

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.tradeoff.prices.price import Price

Design = Literal["grid", "loco", "one-in", "fractional", "zip"]
Blocks = Annotated[
    str | None, Parameter(help="Channels of all blocks, as 3x256,4x512,6x1024,3x2048.")
]
PerParam = Annotated[float | None, Parameter(name="--price-per-param")]
PerFlop = Annotated[float | None, Parameter(name="--price-per-flop")]
ErrorModel = Annotated[
    Literal["auto", "pooled", "paired"],
    Parameter(
        help="Noise: pooled is one variance for all arms, paired each comparison's own differences; auto "
        "pools unless the arms' noise looks unequal."
    ),
]


def fit(
    table: str,
    /,
    *,
    blocks: Blocks = None,
    channels: Whole | None = None,
    price_per_param: PerParam = None,
    price_per_flop: PerFlop = None,
    budget: float | None = None,
    implied_by: float | None = None,
    sweep: Flag = False,
    price_metric: str | None = None,
    confidence: float = 0.95,
    cluster: Literal["auto", "seed", "run"] = "auto",
    reading: ReadingOptions = READ,
) -> None:
    """Fit the trade-off between loss and cost: kappa, r* and what the tested ratios say.

    Args:
        table: A study, a folder of studies, a CSV with reduction, seed and val_loss, or STORAGE_URL#study.
        channels: C of a network with one block, instead of --blocks.
        price_per_param: Loss that one attention weight is worth.
        price_per_flop: Loss that one floating-point operation is worth.
        budget: Most attention weights there may be; gives their shadow price.
        implied_by: The ratio that was right; gives the price at which it is.
        sweep: Show the whole table of prices.
        price_metric: The metric that the price is counted in; another one than the runs' is refused.
        confidence: Of every interval.
        cluster: What errors are independent between: seeds, or single runs; auto takes seeds where arms
            share them. Choose before looking.
    """
    from ablations.cli.words.result_text import print_fit, print_json, print_lines, print_reading
    from analysis.sequential.until_width.words import width_sentences
    from analysis.tradeoff.tradeoff import fit_reduction
    from analysis.tradeoff.tradeoff_json import as_json

    if price_metric is not None and price_per_param is None and price_per_flop is None:
        raise SettingError(
            "`--price-metric` says what a price is counted in: add --price-per-param or --price-per-flop."
        )
    price = _price(price_per_param, price_per_flop, budget, implied_by, metric=price_metric)
    results = [
        (one, fit_reduction(one, price=price, blocks=blocks, channels=channels, confidence=confidence, cluster=cluster))
        for one in reading.tables(table)
    ]  # fmt: skip
    if reading.json:
        print_json([(one.study, as_json(result)) for one, result in results])
        return
    for one, result in results:
        print_reading(one)
        print_fit(one.study, result, sweep=sweep)
        print_lines(width_sentences(one))


def width(
    *tables: Annotated[str, Parameter(required=True)],
    price_per_param: PerParam = None,
    confidence: float = 0.95,
    reading: MetricAlone = READ_METRIC,
) -> None:
    """Fit how r* grows with the channels: slope of log r* on log C, against 2/3 and 4/3.

    Args:
        tables: Studies or CSVs, one per width or with several widths each.
        price_per_param: Loss that one attention weight is worth; shows r* at each width.
        confidence: Of every interval.
    """
    from ablations.cli.words.result_text import print_json, print_lines, print_table
    from analysis.tradeoff.width.width import fit_width

    read = [one for name in tables for one in reading.tables(name)]
    result = fit_width(read, price=_price(price_per_param, None, None, None), confidence=confidence)
    if reading.json:
        print_json([("", result.to_json())])
        return
    print_lines(result.sentences())
    print_table(result.widths)


def effects(
    table: str,
    /,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    error: ErrorModel = "auto",
    reading: ReadingOptions = READ,
) -> None:
    """Estimate each component's effect and decide: matters, negligible, or undecided.

    Args:
        table: A study, a folder of studies, a CSV with seed, val_loss and factors, or STORAGE_URL#study.
        margin: The largest effect that does not matter; exploratory unless it was planned.
        alpha: Family-wise error of the verdicts.
    """
    from ablations.cli.words.result_text import print_effects, print_json, print_reading
    from analysis.effects.component_report import component_report

    reports = [
        (one, component_report(one, margin=margin, alpha=alpha, error=error))
        for one in reading.tables(table)
    ]
    if reading.json:
        print_json([(one.study, report.to_json()) for one, report in reports])
        return
    for one, report in reports:
        found = report.effects
        print_reading(one, assumed=found.baseline if found.cells.assumed else "")
        print_effects(report)


def importance(
    table: str,
    /,
    *,
    permutations: Whole = 20,
    reading: WithoutBaseline = READ_ALL,
) -> None:
    """Share out the variance between the factors: factorial shares, with fANOVA and PED-ANOVA beside.

    Args:
        table: A study, a folder of studies, a CSV, or STORAGE_URL#study.
        permutations: Random deals of the losses behind what chance reaches in fANOVA and PED-ANOVA.
    """
    from ablations.cli.words.result_text import print_json, print_lines, print_reading, print_table
    from analysis.importance.importance import CHANCE
    from analysis.importance.importance import estimate_importance as shares

    results = [(one, shares(one, permutations=permutations)) for one in reading.tables(table)]
    if reading.json:
        print_json([(one.study, result.to_json()) for one, result in results])
        return
    for one, result in results:
        print_reading(one)
        print_lines([f"{one.study}: {result.runs} runs", *result.sentences()])
        for question, part in result.frame.groupby("question", sort=False):
            print(f"\n{question}\nchance: {CHANCE[str(question)]}")
            print_table(part.drop(columns="question").dropna(axis=1, how="all"))


def plan(
    space: str,
    /,
    *,
    target_width: float | None = None,
    pilot: str | None = None,
    sigma: float | None = None,
    snr: float | None = None,
    effect: float | None = None,
    margin: float | None = None,
    assurance: float = 0.8,
    budget_hours: float | None = None,
    hours_per_run: float | None = None,
    design: Design | None = None,
    error: ErrorModel = "auto",
    until: Literal["decided", "width"] | None = None,
    max_seeds: Whole | None = None,
    root: Root = ROOT,
    json: Json = False,
) -> None:
    """Count the seeds that a question needs: r* to within a width, or effects of a size.

    Args:
        space: A preset, a space file, or package.module:name; or a study, whose arms they are and whose runs are the
            pilot.
        target_width: How far the upper 95 % limit of r* may lie above it, as a share; 0.2 by default, with --until
            width 0.3.
        pilot: A study or CSV to take noise, rise and run time from; auto runs one of a few runs, SPACE-pilot, first.
        sigma: Standard deviation of one run within its seed and arm, instead of a pilot.
        snr: Rise of the loss over the tested ratios in units of sigma, instead of a pilot.
        effect: An effect that is to be found with 80 % power.
        margin: An effect whose absence is to be shown with 80 % power.
        assurance: Chance that the target width is reached.
        budget_hours: Device hours there are.
        hours_per_run: Device hours of one run; the pilot's if there is one.
        design: How the space becomes arms; a grid by default.
        until: What a study with `ablate run SPACE --until decided` (which needs a margin) or `--until width` takes,
            expected and at worst.
        max_seeds: With --until: seeds after which it ends; several are tried by default.
    """
    amounts = {
        "--target-width": target_width, "--sigma": sigma, "--snr": snr, "--effect": effect, "--margin": margin,
        "--budget-hours": budget_hours, "--hours-per-run": hours_per_run,
    }  # fmt: skip
    for option, amount in amounts.items():
        if amount is not None and not 0 < amount < math.inf:
            raise SettingError(
                f"`{option}` must be a finite number above 0, but is {as_given(amount)}."
            )
    from ablations.cli.options.planned_arms import arms_of_space, arms_of_study, study_meant
    from ablations.cli.options.study_plan import TARGET, plan_arms
    from ablations.cli.options.until_plan import plan_until, refuse_foreign
    from ablations.cli.options.width_plan import plan_width
    from ablations.cli.words.result_text import print_json, print_lines, print_table, print_tables

    table = None
    path = study_meant(space, root)
    if path is None and pilot is None and root != ROOT:
        raise SettingError("`--root` says where the pilot lies: add --pilot.")
    if path is not None and pilot == "auto":
        raise SettingError(
            f"`--pilot auto` runs a few runs of a space first, but {space!r} is a study, whose runs tell the noise. "
            "Leave it out."
        )
    if path is None:
        asked = arms_of_space(space, design=design)
    else:
        asked, pilot = arms_of_study(space, path, design=design), pilot or space
    if pilot == "auto":
        from ablations.cli.options.auto_pilot import run_pilot

        pilot = run_pilot(space, root=root)
    if pilot:
        table = one_table(pilot, root)
    if max_seeds is not None and until is None:
        raise SettingError(
            "`--max-seeds` belongs to a study that ends by itself: add --until decided or width."
        )
    if until is not None:
        refuse_foreign(until, amounts)
        made = (
            plan_width(
                asked, target_width=target_width, max_seeds=max_seeds, pilot=table, sigma=sigma, snr=snr,
                hours_per_run=hours_per_run,
            )
            if until == "width"
            else plan_until(
                asked, margin=margin, effect=effect, max_seeds=max_seeds, pilot=table, sigma=sigma,
                hours_per_run=hours_per_run,
            )
        )  # fmt: skip
        if json:
            print_json([("", made.to_json())])
            return
        print_lines(made.sentences())
        print_table(made.frame)
        return
    plans = plan_arms(
        asked, pilot=table, sigma=sigma, snr=snr, effect=effect, margin=margin,
        target_width=TARGET if target_width is None else target_width, assurance=assurance,
        budget_hours=budget_hours, hours_per_run=hours_per_run, error=error,
    )  # fmt: skip
    if json:
        print_json([("", plans.to_json())])
        return
    print_lines(plans.sentences())
    print_tables(plans.tables())


def compare(
    study_a: str,
    study_b: str,
    /,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    reading: ReadingOptions = READ,
) -> None:
    """Compare the same effects in two studies: two data sets, or two versions of the code.

    Args:
        study_a: A study or a table.
        study_b: Another; or a published table, senet/table10 to senet/table16, whose differences are shown beside
            the study's.
        margin: The largest effect that does not matter.
        alpha: Family-wise error.
    """
    from ablations.cli.words.result_text import print_json, print_lines
    from analysis.effects.compare import compare as side_by_side

    published = published_table(study_b)
    if published is not None:
        _beside(study_a, published, study_b, reading)
        return
    a, b = (reading.table(name) for name in (study_a, study_b))
    result = side_by_side(a, b, margin=margin, alpha=alpha)
    if reading.json:
        print_json([("", result.to_json())])
        return
    print_lines(result.sentences())


def _beside(study: str, published: "Path", name: str, reading: ReadingOptions) -> None:
    import pandas as pd

    from ablations.cli.words.result_text import print_json, print_lines
    from analysis.effects.compare_published import compare_published

    result = compare_published(reading.table(study), pd.read_csv(published), name=name)
    if reading.json:
        print_json([("", result.to_json())])
        return
    print_lines(result.sentences())


def _price(
    per_param: float | None,
    per_flop: float | None,
    budget: float | None,
    implied_by: float | None,
    *,
    metric: str | None = None,
) -> "Price | None":
    from analysis.tradeoff.prices.price import Price

    given = {
        "per_param": per_param,
        "per_flop": per_flop,
        "budget": budget,
        "implied_by": implied_by,
    }
    named = {mode: value for mode, value in given.items() if value is not None}
    if len(named) > 1:
        options = ", ".join(
            "--" + ("price-" if "per" in m else "") + m.replace("_", "-") for m in named
        )
        raise SettingError(f"give one price only, but got {options}.")
    if not named:
        return None
    mode, value = next(iter(named.items()))
    return Price(mode, value, metric if mode.startswith("per_") else None)  # type: ignore[arg-type]
