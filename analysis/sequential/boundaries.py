"""How large a t statistic must be at each look, so that all looks together err at a given level: exact for few seeds.

With differences x_1 .. x_n that are normal around the value that is tested, u_n = sum / (sqrt(n) |x|) is sin
of an angle, and t_n = u_n sqrt(n - 1) / sqrt(1 - u_n^2). Whatever the noise, x_n / |x_1 .. x_(n-1)| = tan(psi)
is independent of u_(n-1), with sqrt(n - 1) tan(psi) a t of n - 1 degrees of freedom, so that

    u_n = (u_(n-1) sqrt(n - 1) cos(psi) + sin(psi)) / sqrt(n)

is a Markov chain of one dimension. Its law without a crossing is carried from look to look on a grid of angles, as
Armitage, McPherson and Rowe (1969) did for known noise; nothing is simulated and nothing is asymptotic.

For hundreds of seeds they cost seconds, and no machine may decide otherwise than the one that started the study. So
they are stored with its rule and a digest of what they were computed from and of themselves. Where that does not fit,
because a file is damaged or was edited, they are computed again: what does not follow from the rule decides nothing.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from plain_files.stopping_rules import NUMBERS

Floats = NDArray[np.float64]
CELLS = 400
"""Of the grid of angles: every boundary is then within 0.5 % of its value."""
POWER = 1.5
"""Of the spending function: a level a may have spent a (n / N)^1.5 at n of N seeds."""
DIGITS = 6
"""Boundaries are rounded to so many decimals and stored, so that no machine decides otherwise than another."""


BOUNDARIES, DIGEST = NUMBERS


def boundaries(levels: Sequence[float], *, first: int, last: int) -> list[list[float]]:
    """Per level the t that must be exceeded at `first, first + 1, .. last` pairs; one-sided.

    Args:
        levels: One-sided errors of all looks together, each in (0, 0.5).
        first: Pairs at the first look, at least 2.
        last: Pairs at the last one.
    """
    return [list(row) for row in _boundaries(tuple(levels), first, last)]


def with_boundaries(
    declared: Mapping[str, Any], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A rule with its boundaries and their digest.

    Args:
        declared: The rule.
        stored: The rule as `study.json` has it, whose boundaries are taken if their digest fits this rule.
    """
    if stored is not None and is_sound(declared, stored):
        return {**declared, **{name: stored[name] for name in NUMBERS}}
    made = boundaries_of(
        len(declared["comparisons"]), alpha=float(declared["alpha"]),
        first=int(declared["first_look"]), last=int(declared["max_seeds"]),
    )  # fmt: skip
    return {**declared, BOUNDARIES: made, DIGEST: digest(declared, made)}


def is_sound(declared: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether the stored boundaries are those that were once computed for this rule."""
    return DIGEST in stored and stored[DIGEST] == digest(declared, stored.get(BOUNDARIES))


def digest(declared: Mapping[str, Any], made: Any) -> str:
    """SHA-256 of what boundaries are computed from, and of themselves."""
    numbers = {name: declared[name] for name in ("alpha", "first_look", "max_seeds")}
    content = {
        **numbers, "comparisons": len(declared["comparisons"]), "cells": CELLS, "power": POWER, "digits": DIGITS,
        BOUNDARIES: made,
    }  # fmt: skip
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def boundaries_of(comparisons: int, *, alpha: float, first: int, last: int) -> dict[str, Any]:
    """Both families' boundaries: row m - 1 is for m comparisons that are left, an entry per number of pairs."""
    left = range(1, comparisons + 1)
    levels = sorted({alpha / m / sides for m in left for sides in (1, 2)})
    at = dict(zip(levels, boundaries(levels, first=first, last=last), strict=True))
    return {"differs": [at[alpha / m / 2] for m in left], "small": [at[alpha / m] for m in left]}


def spent(n: NDArray[np.intp] | int, *, last: int) -> Floats:
    """The share of a level that may be spent when n of `last` pairs are in."""
    return np.asarray((np.asarray(n, dtype=float) / last) ** POWER)


@lru_cache(maxsize=32)
def _boundaries(levels: tuple[float, ...], first: int, last: int) -> tuple[tuple[float, ...], ...]:
    edges = np.linspace(-np.pi / 2, np.pi / 2, CELLS + 1)
    found = np.empty((len(levels), last - first + 1))
    share = np.diff(spent(np.arange(first, last + 1), last=last), prepend=0.0)
    above = np.repeat(_beyond(edges, first)[:, None], len(levels), axis=1)
    for k, n in enumerate(range(first, last + 1)):
        new = share[k] * np.asarray(levels)
        exact = np.arctan(-special.stdtrit(first - 1, new) / math.sqrt(first - 1))
        cut = _angles(edges, above, new) if k else exact
        found[:, k] = np.tan(cut) * math.sqrt(n - 1)
        if n < last:
            above = _carried(edges, above, cut, n + 1)
    return tuple(tuple(round(float(value), DIGITS) for value in row) for row in found)


def _beyond(angle: Floats, n: int) -> Floats:
    """The chance of a larger angle at n pairs: the t of n - 1 degrees of freedom."""
    return np.asarray(special.stdtr(n - 1, -np.tan(angle) * math.sqrt(n - 1)))


def _angles(edges: Floats, above: Floats, wanted: Floats) -> Floats:
    """The angle beyond which `wanted` lies, per level; interpolated in the logarithm, in which the tail is smooth."""
    cut = np.empty(len(wanted))
    for i, target in enumerate(wanted):
        tail = np.maximum(above[:, i], 1e-300)
        cut[i] = np.interp(-np.log(target), -np.log(tail), edges)
    return cut


def _carried(edges: Floats, above: Floats, cut: Floats, n: int) -> Floats:
    """The law at n pairs of what has not crossed before: the chance of a larger angle, shape (edges, levels)."""
    middle = (edges[:-1] + edges[1:]) / 2
    mass = above[:-1] - above[1:]
    # Of the cell with the boundary only the part below it goes on.
    there = np.clip((cut[None, :] - edges[:-1, None]) / (edges[1] - edges[0]), 0.0, 1.0)
    at_cut = np.array([np.interp(c, edges, above[:, i]) for i, c in enumerate(cut)])
    inside = np.where(there == 1.0, mass, np.maximum(above[:-1] - at_cut[None, :], 0.0))
    mass = np.where(there > 0.0, inside, 0.0)
    pull = np.sin(middle) * math.sqrt(n - 1)
    reach, turn = np.sqrt(1 + pull**2), np.arctan(pull)
    s = np.arcsin(np.clip(math.sqrt(n) * np.sin(edges)[:, None] / reach[None, :], -1.0, 1.0))
    low = np.maximum(s - turn, -np.pi / 2)
    high = np.minimum(np.pi - s - turn, np.pi / 2)
    fine = np.linspace(-np.pi / 2, np.pi / 2, 8 * CELLS + 1)
    law = 1.0 - _beyond(fine, n)
    chance = np.maximum(np.interp(high, fine, law) - np.interp(low, fine, law), 0.0)
    return np.asarray(chance @ mass)
