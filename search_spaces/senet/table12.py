"""Table 12 of the SENet paper (arXiv:1709.01507): the gate.

With a ReLU the paper's network was worse than without attention. Everything else as in `table10`.
"""

from ablations import Factor, Space
from search_spaces.senet.table10 import BASELINE, CONTROLS

space = Space(
    name="senet_table12",
    question="Does the gate function matter?",
    baseline=BASELINE,
    factors=(Factor(name="attention.gate", levels=("sigmoid", "tanh", "relu")),),
    controls=CONTROLS,
)
