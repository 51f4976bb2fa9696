"""The answer of a test set in sentences."""

from typing import Any

from plain_files.numbers import interval, loss, signed

Answer = dict[str, Any]


def sentences(answer: Answer) -> list[str]:
    """What was concluded and whether it holds on the test set, the deciding comparisons first."""
    seen = answer["looked"][:16].replace("T", " ")
    lines = [
        f"The test set was looked at once, at {seen} UTC, for {answer['runs']} runs; no choice was made by it. "
        "It answers for the baseline and what was concluded, nothing else; 95 % intervals, each by itself."
    ]
    lines += [_comparison(row, answer) for row in answer["comparisons"]]
    if not answer["comparisons"]:
        lines += [_mean(row, answer) for row in answer["arms"]]
    return lines


def metric_in_words(name: str) -> str:
    """The metric as people say it: `test loss`."""
    words = {
        "test_loss": "test loss",
        "test_accuracy": "test accuracy",
        "val_loss": "validation loss",
    }
    return words.get(name, name)


def holds(row: dict[str, Any], answer: Answer) -> str:
    """Whether a difference that validation called real is one on the test set; empty where it called none real."""
    if row["validation"] not in ("matters", "differs") or row["low"] is None:
        return ""
    clear = row["low"] > 0 or row["high"] < 0
    if _worse(row["estimate"], row["metric"], answer) != _said_worse(row, answer):
        return "contradicted" if clear else "not seen"
    return "holds" if clear else "not clear"


def _comparison(row: dict[str, Any], answer: Answer) -> str:
    between = "" if row["low"] is None else f" {interval(row['low'], row['high'])}"
    pairs = f"{row['n_pairs']} seeds" if row["paired"] else f"{row['n_pairs']} runs per arm"
    said = holds(row, answer)
    value, before = metric_in_words(row["metric"]), metric_in_words(answer["metric"])
    return (
        f"{row['label']}: {value} {signed(row['estimate'])}{between} against the baseline over {pairs}{WORDS[said]} "
        f"(validation: {row['validation']}, {before} {signed(row['validation_estimate'])})."
    )


WORDS = {
    "": "",
    "holds": ", as on the validation data",
    "contradicted": ", the other way round than on the validation data",
    "not clear": ", the same way as on the validation data, but not clear of 0",
    "not seen": ", not seen on the test set",
}


def _mean(row: dict[str, Any], answer: Answer) -> str:
    means = ", ".join(
        f"{metric_in_words(name)} {loss(row[name])}" for name in answer["metrics"] if name in row
    )
    return f"{row['label']}: {means} (mean of {row['n']})."


def _worse(estimate: float, metric: str, answer: Answer) -> bool:
    return bool((estimate > 0) == (answer["metrics"][metric]["direction"] == "minimize"))


def _said_worse(row: dict[str, Any], answer: Answer) -> bool:
    return bool((row["validation_estimate"] > 0) == (answer["direction"] == "minimize"))
