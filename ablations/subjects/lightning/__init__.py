"""Training a LightningModule, ours or a user's: paired draws, streams, records, checkpoints, resume.

May import `ablations.errors`, `import_path` and `streams`; knows neither the engine nor another subject.
"""
