"""Rows of text as lines whose columns stand below each other."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

PADDED = 60
"""The longest cell that the others of its column are padded to where nothing is folded."""


def aligned(rows: Sequence[Sequence[str]], *, right: Iterable[int], gap: str = "  ") -> list[str]:
    """A line for each row; a cell longer than `PADDED` moves what follows it in its own row and no other.

    Args:
        rows: The head and the body.
        right: Numbers of the columns whose cells end below each other; those of the others begin so.
        gap: Between columns.
    """
    lengths = [[cell_len(cell) for cell in row] for row in rows]
    widths = [
        max((n for n in column if n <= PADDED), default=0) for column in zip(*lengths, strict=True)
    ]
    ends = frozenset(right)
    return [
        gap.join(
            " " * max(0, width - n) + cell if i in ends else cell + " " * max(0, width - n)
            for i, (cell, n, width) in enumerate(zip(row, counted, widths, strict=True))
        ).rstrip()
        for row, counted in zip(rows, lengths, strict=True)
    ]
