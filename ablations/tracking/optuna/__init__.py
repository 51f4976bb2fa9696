"""How does a study look in Optuna's dashboard? Its journal, with the report's figures and verdict attached.

May import `plain_files`, `ablations`, `records`, `wandb` and `studies`. Imported by `cli`.
"""
