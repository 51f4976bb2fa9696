"""How does a run use Lightning? Its quiet Trainer, the end of an epoch, and checkpoints that execute no code.

May import `ablations`. Imported by `training`.
"""
