"""Classification by angles, with a margin that the right class must win by; only embeddings are kept afterwards.

Notation: theta_k is the angle between an embedding and the centre of class k, y the right class, s the scale,
m the margin. The loss is the cross-entropy of these logits:

    norm_softmax   s cos(theta_k)
    cosface        s (cos(theta_y) - m)     for the right class, m = 0.35 (arXiv 1801.09414, equation 4)
    arcface        s cos(theta_y + m)       for the right class, m = 0.5  (arXiv 1801.07698, equation 3)
"""

import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError, one_of

Head = Literal["norm_softmax", "cosface", "arcface"]
MARGINS: dict[Head, float] = {"norm_softmax": 0.0, "cosface": 0.35, "arcface": 0.5}
"""The papers' own."""


class MarginHead(nn.Module):
    """The loss of embeddings (N, D) with their classes (N,).

    With `sample_rate` below 1 a step sees the centres of the classes in its batch and as many others, drawn anew, as
    make up that share of all (Partial FC, arXiv 2010.05222). The centres that are left out get no gradient in that
    step; the optimiser's momentum goes on moving them.

    Args:
        dim: D.
        classes: How many there are.
        head: Which logits.
        scale: s.
        margin: m; the paper's unless given.
        sample_rate: The share of classes that a step sees, in (0, 1].

    Raises:
        SettingError: If a value is out of its range.
    """

    def __init__(
        self,
        dim: int,
        classes: int,
        *,
        head: Head = "arcface",
        scale: float = 64.0,
        margin: float | None = None,
        sample_rate: float = 1.0,
    ) -> None:
        super().__init__()
        if head not in get_args(Head):
            raise SettingError(one_of("head", head, get_args(Head)))
        if head == "norm_softmax" and margin:
            raise SettingError(
                f"`head='norm_softmax'` has no margin, but got {margin:g}. Use 'cosface' or 'arcface'."
            )
        self.margin = MARGINS[head] if margin is None else margin
        if not 0 <= self.margin < math.pi:
            raise SettingError(f"`0 <= margin < pi` must hold, but got {self.margin:g}.")
        if scale <= 0:
            raise SettingError(f"`scale > 0` must hold, but got {scale:g}.")
        if not 0 < sample_rate <= 1:
            raise SettingError(f"`0 < sample_rate <= 1` must hold, but got {sample_rate:g}.")
        self.head, self.scale, self.sample_rate = head, scale, sample_rate
        self.centres = nn.Parameter(torch.empty(classes, dim))
        nn.init.normal_(self.centres, std=0.01)

    def forward(self, z_nd: Tensor, y_n: Tensor) -> Tensor:
        """The mean cross-entropy, in nats.

        Raises:
            SettingError: If there are more classes than the head has.
        """
        classes = len(self.centres)
        if int(y_n.max()) >= classes:
            raise SettingError(
                f"the head has {classes} identities, but the data to train on have {int(y_n.max()) + 1} or more: set "
                "`model.identities` to their number."
            )
        centres_kd, y_n = self._seen(y_n)
        return F.cross_entropy(self.logits(z_nd, centres_kd, y_n), y_n)

    def logits(self, z_nd: Tensor, centres_kd: Tensor, y_n: Tensor) -> Tensor:
        """(N, K), with the margin at the right class."""
        cos_nk = F.normalize(z_nd) @ F.normalize(centres_kd).T
        own_n1 = cos_nk.gather(1, y_n[:, None])
        return self.scale * cos_nk.scatter(
            1, y_n[:, None], WITH_MARGIN[self.head](own_n1, self.margin)
        )

    def _seen(self, y_n: Tensor) -> tuple[Tensor, Tensor]:
        """The centres of this step, and the classes by their places among them."""
        if self.sample_rate == 1:
            return self.centres, y_n
        present, place_n = y_n.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        classes = len(self.centres)
        absent = torch.ones(classes, dtype=torch.bool, device=y_n.device)
        absent[present] = False
        others = absent.nonzero()[:, 0]
        more = max(0, math.ceil(self.sample_rate * classes) - len(present))
        drawn = others[torch.randperm(len(others), device=y_n.device)[:more]]
        return self.centres[torch.cat((present, drawn))], place_n


def added_angle(cos: Tensor, margin: float) -> Tensor:
    """cos(theta + m), and beyond theta = pi - m, where that would rise again, cos(theta) - m sin(m)."""
    # The square root's slope is infinite at 0.
    sin = (1 - cos.square()).clamp_min(1e-12).sqrt()
    turned = cos * math.cos(margin) - sin * math.sin(margin)
    return torch.where(cos > -math.cos(margin), turned, cos - margin * math.sin(margin))


WITH_MARGIN: dict[Head, Callable[[Tensor, float], Tensor]] = {
    "norm_softmax": lambda cos, _: cos,
    "cosface": lambda cos, margin: cos - margin,
    "arcface": added_angle,
}
"""From the right class's cosine to what stands in its place."""
