"""How is a LightningModule trained, ours or a user's: streams, records, checkpoints, resume?

May import the files of `ablations` itself, `ablations.subjects` and the folder `loading`; knows neither the
engine nor another subject.
"""
