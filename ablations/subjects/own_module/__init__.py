"""How is a LightningModule of the user's own, with its data, a study's subject?

May import `ablations`, `subjects`, `pairing`, `loading`, `lightning`, `settings`, `attach` and `recording`. Imported
by nothing of ours.
"""
