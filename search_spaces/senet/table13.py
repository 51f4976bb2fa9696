"""Table 13 of the SENet paper (arXiv:1709.01507): which stages have attention.

Stage n of the paper is stage n - 1 here: torchvision's `layer` number. Everything else as in `table10`.
"""

from ablations import Factor, Space
from search_spaces.senet.table10 import BASELINE, CONTROLS

space = Space(
    name="senet_table13",
    question="In which stages is attention worth its parameters?",
    baseline=BASELINE,
    factors=(Factor(name="attention.stages", levels=("all", "1", "2", "3")),),
    controls=CONTROLS,
)
