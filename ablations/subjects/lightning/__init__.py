"""How is a LightningModule trained, ours or a user's: streams, records, checkpoints, resume?

May import `ablations`, `subjects`, `pairing` and `loading`. Imported by `training`.
"""
