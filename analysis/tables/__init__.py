"""Which runs were there? One runs table from a study, a CSV, a DataFrame, W&B or any Optuna study.

May import `plain_files`, `analysis`, `formats` and `equal`. Imported by `contrasts`, `planned`, `importance`,
`sequential`, `effects`, `tradeoff`, `width`, `analysis.claims`, `words`, `tested`, `evidence`, `until_width`,
`options`, `sections` and `cli`.
"""
