"""How is a LightningModule trained, ours or a user's: streams, records, checkpoints, resume?

May import `ablations` and `loading`. Imported by `training` and `own_module`.
"""
