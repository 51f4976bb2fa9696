"""Which components matter, by how much, together or apart, and which are undecided?

May import `plain_files`, `analysis`, `equal`, `tables`, `contrasts`, `planned` and `sequential`. Imported by `tested`,
`evidence`, `sections`, `report`, `words` and `cli`.
"""
