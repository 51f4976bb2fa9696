"""How is a LightningModule trained, ours or a user's: streams, records, checkpoints, resume?

May import `ablations` and `loading`. Imported by `own_module` and `training`.
"""
