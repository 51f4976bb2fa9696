"""Who decides what starts, ends and is tried again? The supervisor, the one writer; and what it shows.

May import `plain_files`, `ablations`, `records`, `executors` and `engine.sources`. Imported by `studies`, `words`,
`options` and `cli`.
"""
