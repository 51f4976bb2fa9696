"""What is written down of a study, so that it is there after a crash? The study folder and its Optuna journal.

May import `plain_files` and `ablations`. Imported by `worker`, `executors`, `engine.sources`, `supervision`, `wandb`,
`studies`, `optuna`, `words`, `options` and `cli`.
"""
