"""How is a plain function of the user's own a study's subject? No Lightning is needed, and no torch.

May import `ablations` and `subjects`. Imported by nothing of ours.
"""
