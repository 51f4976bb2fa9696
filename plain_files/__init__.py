"""Files read strictly, by rules that all packages share: what people write by hand, and a study's records.

May import nothing of ours. Imported by `records`, `engine.sources`, `supervision`, `designs`, `wandb`, `studies`,
`optuna`, `formats`, `prices`, `page`, `gates`, `tables`, `planned`, `importance`, `sequential`, `effects`, `tradeoff`,
`width`, `planning`, `plots`, `analysis.claims`, `words`, `tested`, `figures`, `until_width`, `options`, `sections` and
`cli`.
"""
