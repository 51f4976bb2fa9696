"""Table 11 of the SENet paper (arXiv:1709.01507): the squeeze, an average or a maximum.

Everything else as in `table10`.
"""

from ablations import Factor, Space
from search_spaces.senet.table10 import BASELINE, CONTROLS

space = Space(
    name="senet_table11",
    question="Does it matter whether channels are squeezed by their average or their maximum?",
    baseline=BASELINE,
    factors=(Factor(name="attention.squeeze", levels=("avg", "max")),),
    controls=CONTROLS,
)
