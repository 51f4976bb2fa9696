"""Which rows of a runs table hold one result twice?

May import nothing of ours. Imported by `tables`, `effects`, `tradeoff` and `options`.
"""
