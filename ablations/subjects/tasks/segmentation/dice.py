"""The soft Dice loss (arXiv 1606.04797), over the classes of a batch."""

from torch import Tensor
from torch.nn.functional import one_hot

UNLABELLED = 255
"""Pixels of this class are neither learnt from nor judged, as in PASCAL VOC's masks."""


def dice_loss(logits_nkhw: Tensor, mask_nhw: Tensor) -> Tensor:
    """1 - mean over the batch's classes of 2 sum(p t) / (sum(p) + sum(t)), p being probabilities and t the truth.

    A class that the batch does not show has no part in the mean.
    """
    known_n1hw = (mask_nhw != UNLABELLED).unsqueeze(1)
    classes = logits_nkhw.shape[1]
    truth_nkhw = one_hot(mask_nhw.masked_fill(~known_n1hw[:, 0], 0), classes).movedim(-1, 1)
    truth_nkhw = (truth_nkhw * known_n1hw).to(logits_nkhw.dtype)
    found_nkhw = logits_nkhw.softmax(1) * known_n1hw
    shared_k, of_truth_k = ((x * truth_nkhw).sum((0, 2, 3)) for x in (found_nkhw, truth_nkhw))
    score_k = 2 * shared_k / (found_nkhw.sum((0, 2, 3)) + of_truth_k).clamp_min(1e-6)
    shown_k = of_truth_k > 0
    return 1 - (score_k * shown_k).sum() / shown_k.sum().clamp_min(1)
