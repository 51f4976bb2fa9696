"""How large is a difference between arms, and how sure? Cells, seed blocks, error models, multiplicity, CR2.

May import `plain_files`, `analysis` and `tables`. Imported by `planned`, `importance`, `sequential`, `effects`,
`curves`, `tradeoff`, `width`, `planning`, `analysis.claims`, `tested`, `evidence` and `options`.
"""
