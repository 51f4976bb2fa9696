"""Table 16 of the SENet paper (arXiv:1709.01507): attention without the squeeze.

The excitation then sees each position alone, by 1x1 convolutions. Everything else as in `table10`.
"""

from ablations import Factor, Space
from search_spaces.senet.table10 import BASELINE, CONTROLS

space = Space(
    name="senet_table16",
    question="Does the block need global information?",
    baseline=BASELINE,
    factors=(Factor(name="attention.squeeze", levels=("avg", "none")),),
    controls=CONTROLS,
)
