"""What does `ablate` understand? One function a command; each imports what it needs when it is called.

May import `plain_files`, `ablations`, `subjects`, `settings`, `networks`, `counting`, `placing`, `cost`, `records`,
`supervision`, `designs`, `wandb`, `studies`, `optuna`, `analysis`, `formats`, `planned`, `importance`, `prices`,
`sequential`, `effects`, `tradeoff`, `width`, `drawing`, `evidence`, `options`, `analysis.claims`, `words`, `figures`,
`sections` and `report`. Imported by nothing of ours.
"""
