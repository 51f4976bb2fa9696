"""Who decides what starts, ends and is tried again? The supervisor, the one writer; and what it shows.

May import `plain_files`, `ablations`, `records`, `executors`, `engine.sources` and `standing`. Imported by `studies`,
`words` and `options`.
"""
