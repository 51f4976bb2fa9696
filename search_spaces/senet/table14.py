"""Table 14 of the SENet paper (arXiv:1709.01507): where the block sits in the unit.

Everything else as in `table10`.
"""

from ablations import Factor, Space
from search_spaces.senet.table10 import BASELINE

space = Space(
    name="senet_table14",
    question="Does it matter where attention sits in the unit?",
    baseline=BASELINE,
    factors=(
        Factor(name="attention.placement", levels=("standard", "pre", "post", "identity", "none")),
    ),
)
