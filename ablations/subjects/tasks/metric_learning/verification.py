"""Verification: are two images of one identity? The error of a threshold on the cosine of their embeddings.

A pair is accepted where its score reaches the threshold. FAR is the share of pairs of different identities that are
accepted, FRR the share of pairs of one identity that are not.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Roc:
    """Both errors at every threshold where one of them changes, from accepting nothing to accepting all."""

    far: Tensor
    frr: Tensor

    def eer(self) -> float:
        """The equal error rate: where FAR = FRR on the straight lines between the points, in [0, 1]."""
        ahead = self.far - self.frr
        at = int((ahead >= 0).nonzero()[0, 0])  # never the first, where FAR is 0 and FRR is 1
        before, after = float(ahead[at - 1]), float(ahead[at])
        part = -before / (after - before)
        return float(self.far[at - 1] + part * (self.far[at] - self.far[at - 1]))

    def accuracy(self) -> float:
        """The best threshold's share of right answers, where both kinds of pairs count alike, in [0.5, 1]."""
        return float(1 - (self.far + self.frr).min() / 2)


def roc(score_p: Tensor, same_p: Tensor) -> Roc:
    """The errors of all thresholds.

    Args:
        score_p: Of each pair, the higher the more alike.
        same_p: True where both are of one identity; some must be, and some not.

    Raises:
        ValueError: If all pairs are of one kind.
    """
    same = same_p.double()
    total, others = same.sum(), (1 - same).sum()
    if not total or not others:
        raise ValueError(
            "there must be pairs of one identity and pairs of two, but all are of one kind."
        )
    score, order = score_p.sort(descending=True)
    accepted = same[order].cumsum(0)
    wrongly = torch.arange(1, len(score) + 1, dtype=torch.float64, device=score.device) - accepted
    last = torch.ones_like(same_p)
    last[:-1] = score[1:] != score[:-1]  # pairs of one score are accepted together
    nothing = torch.zeros(1, dtype=torch.float64, device=score.device)
    return Roc(
        far=torch.cat((nothing, wrongly[last] / others)),
        frr=1 - torch.cat((nothing, accepted[last] / total)),
    )


def all_pairs(z_nd: Tensor, y_n: Tensor) -> tuple[Tensor, Tensor]:
    """The cosine of every two embeddings, and whether they are of one identity; N (N - 1) / 2 pairs."""
    first, second = torch.triu_indices(len(y_n), len(y_n), offset=1, device=y_n.device)
    cos_nn = F.normalize(z_nd) @ F.normalize(z_nd).T
    return cos_nn[first, second], y_n[first] == y_n[second]
