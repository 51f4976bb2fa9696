"""The places for attention in a network as a table of plain values, with what attention costs at each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.attach import base_of, block_at
from ablations.subjects.attention.attach.layouts import Asked
from ablations.subjects.attention.attach.matching import At
from ablations.subjects.attention.attach.passing import Forward, call
from ablations.subjects.attention.attach.places import Site, Unfit, survey
from ablations.subjects.attention.attach.rules import refuse_the_matchs
from ablations.subjects.attention.counting.counting import OWN_PASSES, BlockCost, count_params
from ablations.subjects.attention.counting.tracing import trace_network
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.attention.settings.rules import has_own_parts

AROUND = 2
"""Further passes over the map where a shortcut is gated after the sum: a difference and a sum."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One module that was matched."""

    name: str
    kind: str
    """The module's class."""
    site: Site | None
    """None where attention cannot sit."""
    cost: BlockCost | None
    """Of the attention, for one example; None where there is none."""
    problem: str | None
    """Why not."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; None where there is nothing to say."""
        site, cost = self.site, self.cost
        return {
            "name": self.name,
            "kind": self.kind,
            "channels": site and site.channels,
            "height": site and (site.size[-2] if len(site.size) > 1 else 1),
            "width": site and site.size[-1],
            "size": site and list(site.size),
            "layout": site and site.layout,
            "hidden": cost and cost.hidden,
            "params": cost and cost.params,
            "macs": cost and cost.macs,
            "flops": cost and cost.flops,
            "problem": self.problem,
        }


def sites(
    network: nn.Module,
    at: At,
    example: Any,
    *,
    attention: Attention | None = None,
    layout: Asked = "infer",
    forward: Forward = call,
) -> tuple[Row, ...]:
    """Every module that `at` matches, with its map, and what attention would cost there or why it cannot sit there.

    The network is left as it is. Without `attention` the maps alone are listed, as `placement='standard'` sees them.

    Raises:
        SettingError: If nothing is matched, the example does not pass, or the settings are not for any network.
    """
    placement = "standard" if attention is None else attention.placement
    if attention is not None:
        refuse_the_matchs(attention)
    found = survey(
        network, at=at, example=example, placement=placement, layout=layout, forward=forward
    )
    return tuple(_row(one, attention) for one in found.found)


def block_cost(site: Site, attention: Attention) -> BlockCost:
    """What attention costs at a site, exactly, for one example.

    Raises:
        SettingError: If it is illegal there.
    """
    with torch.device("meta"):
        block = block_at(site, attention)
    params = count_params(block)
    passes = getattr(block, "passes", OWN_PASSES)
    if attention.placement == "identity":
        passes += AROUND
    hidden = getattr(block, "hidden", None)
    try:
        trace = trace_network(
            block, (site.channels, *site.size), has_own_parts=has_own_parts(attention)
        )
    except SettingError as error:
        raise SettingError(f"At `{site.name}`: {error}") from None
    elements = site.channels * torch.Size(site.size).numel()
    return BlockCost(
        name=site.name,
        channels=site.channels,
        base=base_of(site, attention),
        size=site.size,
        hidden=hidden,
        params=params,
        macs=sum(trace.macs.values()),
        elementwise=passes * elements,
    )


def words(rows: Sequence[Row]) -> str:
    """The table for reading; what does not fit comes below it, with the reason."""
    head = ("module", "kind", "C", "size", "h", "parameters", "multiply-adds")
    body = [_cells(row) for row in rows if row.problem is None]
    total = [row.cost for row in rows if row.cost is not None]
    if len(total) > 1:
        params, macs = sum(c.params for c in total), sum(c.macs for c in total)
        body.append((f"{len(total)} sites", "", "", "", "", f"{params:,}", f"{macs:,}"))
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [_line(cells, widths) for cells in (head, *body)] if body else []
    lines += [f"not {row.name} ({row.kind}): {row.problem}" for row in rows if row.problem]
    return "\n".join(lines)


def _row(one: Site | Unfit, attention: Attention | None) -> Row:
    row = Row(name=one.name, kind=one.kind, site=None, cost=None, problem=None)
    if isinstance(one, Unfit):
        return replace(row, problem=one.problem)
    row = replace(row, site=one)
    if attention is None or attention.placement == "none":
        return row
    try:
        return replace(row, cost=block_cost(one, attention))
    except SettingError as error:
        return replace(row, problem=str(error).rstrip("."))


def _cells(row: Row) -> tuple[str, ...]:
    site, cost = row.site, row.cost
    assert site is not None
    size = "x".join(map(str, site.size))
    hidden = "-" if cost is None or cost.hidden is None else str(cost.hidden)
    params, macs = (f"{cost.params:,}", f"{cost.macs:,}") if cost else ("-", "-")
    return row.name, row.kind, str(site.channels), size, hidden, params, macs


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(w) for cell, w in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(w) for cell, w in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join(left + right).rstrip()
