"""What does `ablate` understand? One function a command; each imports what it needs when it is called.

May import `plain_files`, `ablations`, `subjects`, `settings`, `networks`, `counting`, `placing`, `records`,
`supervision`, `designs`, `wandb`, `studies`, `optuna`, `analysis`, `formats`, `planned`, `importance`, `prices`,
`sequential`, `effects`, `tradeoff`, `width`, `drawing`, `options`, `analysis.claims`, `words`, `tested`, `evidence`,
`figures`, `sections`, `report` and `cost`. Imported by nothing of ours.
"""
