"""What do people call? Run, confirm, reproduce, estimate, status; and what a study says of itself.

May import `plain_files`, `ablations`, `subjects`, `records`, `worker`, `executors`, `engine.sources`, `supervision`,
`designs` and `wandb`. Imported by `optuna`, `words`, `options` and `cli`.
"""
