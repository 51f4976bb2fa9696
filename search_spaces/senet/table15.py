"""Table 15 of the SENet paper (arXiv:1709.01507): the block after the 3x3 convolution.

It has fewer channels there, and so fewer parameters. Everything else as in `table10`.
"""

from ablations import Factor, Space
from search_spaces.senet.table10 import BASELINE

space = Space(
    name="senet_table15",
    question="Is attention inside the unit as good as after it?",
    baseline=BASELINE,
    factors=(Factor(name="attention.placement", levels=("standard", "inner", "none")),),
)
