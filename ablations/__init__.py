"""Hyperparameter and ablation studies of neural networks: spaces, designs, the study engine, subjects.

The names that users import are those of `__init__.pyi`, each loaded when it is asked for (SPEC 1).
"""

import lazy_loader

from ablations.hidden import warn_of_hidden

warn_of_hidden()
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
