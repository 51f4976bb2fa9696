"""Which components matter, by how much, together or apart, and which are undecided?

May import `plain_files`, `analysis`, `tables`, `contrasts`, `planned` and `sequential`. Imported by `evidence`,
`words`, `sections`, `report` and `cli`.
"""
