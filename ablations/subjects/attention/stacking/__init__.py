"""How do several networks take one training step together? As one wider network.

May import `blocks` and `networks`. Imported by `training`.
"""
