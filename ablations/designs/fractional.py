"""Two-level fractional factorials of resolution IV or better, and their alias tables.

Notation: p basic factors have all 2^p sign combinations; every further factor is the product of an odd
number (three or more) of basic ones. Then no main effect is aliased with a two-factor interaction
(Box, Hunter and Hunter, Statistics for Experimenters, chapter 6). 2^(p-1) odd words exist, so k factors
need the least p with k <= 2^(p-1).
"""

import itertools

Word = frozenset[int]


def fractional(k: int) -> list[tuple[bool, ...]]:
    """The rows of the smallest such design for k factors; True is the high level."""
    p, words = generators(k)
    return [
        tuple(sum(row[i] for i in word) % 2 == 1 for word in words)
        for row in itertools.product((False, True), repeat=p)
    ]


def generators(k: int) -> tuple[int, list[Word]]:
    """The number p of basic factors, and for each of k factors the basic ones whose product it is.

    Longer words first: with fewer generated factors the resolution is higher (k = p + 1 gets the
    product of all, or of all but one, basic factors).
    """
    p = k if k <= 3 else next(p for p in range(3, k + 1) if k <= 2 ** (p - 1))
    odd = [
        frozenset(word)
        for size in range(p, 2, -1)
        if size % 2
        for word in itertools.combinations(range(p), size)
    ]
    return p, [frozenset({i}) for i in range(p)][:k] + odd[: max(0, k - p)]


def aliases(names: list[str]) -> list[tuple[str, ...]]:
    """The groups of two-factor interactions that the design cannot tell apart, by the factors' names."""
    _, words = generators(len(names))
    groups: dict[Word, list[str]] = {}
    for (i, one), (j, other) in itertools.combinations(enumerate(words), 2):
        groups.setdefault(one ^ other, []).append(f"{names[i]}:{names[j]}")
    return [tuple(group) for group in groups.values() if len(group) > 1]
