"""Does what was concluded hold on examples that no choice saw? The test set, read once.

May import `plain_files`, `analysis`, `tables`, `contrasts`, `sequential` and `effects`. Imported by `evidence`,
`sections` and `cli`.
"""
