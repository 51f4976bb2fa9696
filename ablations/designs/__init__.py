"""Which runs does a space ask for? Every finite design, and a space in the hands of Optuna's samplers.

May import `plain_files`, `ablations`, `subjects` and `engine.sources`. Imported by `studies`, `words`, `options` and
`cli`.
"""
