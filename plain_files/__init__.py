"""Files read strictly, by rules that all packages share: what people write by hand, and a study's records.

May import nothing of ours. Imported by `records`, `engine.sources`, `supervision`, `designs`, `wandb`, `studies`,
`optuna`, `formats`, `page`, `tables`, `planned`, `importance`, `sequential`, `effects`, `tradeoff`, `width`,
`analysis.claims`, `words`, `tested`, `until_width`, `options`, `sections` and `cli`.
"""
