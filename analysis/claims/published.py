"""What numbers of the literature say of a claim: whether they lie where it says."""

import math

from analysis.claims.answer import Found
from analysis.claims.claims import Published
from plain_files.numbers import as_given


def published(given: Published) -> Found:
    """Supported where every number lies in the claim's range, contradicted where none does.

    Published numbers are single runs as a rule; they have no interval, and n counts the numbers.
    """
    values = given.numbers
    inside = [k for k, v in values.items() if given.at_least <= v <= given.at_most]
    shown = ", ".join(f"{name}: {as_given(value)}" for name, value in values.items())
    unit = f" {given.unit}" if given.unit else ""
    words = f"{shown}{unit}, where the claim says {_range(given)}"
    only = next(iter(values.values())) if len(values) == 1 else None
    verdict = "supported" if len(inside) == len(values) else "loose" if inside else "contradicted"
    return Found(
        verdict=verdict,  # type: ignore[arg-type]
        words=words,
        where=", ".join(inside) if verdict == "loose" else "",
        number=only,
        n=len(values),
        unit=given.unit,
    )


def _range(given: Published) -> str:
    if math.isinf(given.at_most):
        return f"{as_given(given.at_least)} or more"
    if math.isinf(given.at_least):
        return f"{as_given(given.at_most)} or less"
    if given.at_least == given.at_most:
        return as_given(given.at_least)
    return f"{as_given(given.at_least)} to {as_given(given.at_most)}"
