"""Which settings may a study visit? The presets, one small module each; they are found by name.

May import `ablations`. Imported by nothing of ours.
"""
