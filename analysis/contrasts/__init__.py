"""How large is a difference between arms, and how sure? Cells, seed blocks, error models, multiplicity, CR2.

May import `analysis` and `tables`. Imported by `planned`, `effects`, `importance`, `curves`, `tradeoff`,
`width`, `planning`, `evidence`, `options`, `analysis.claims` and `sections`.
"""
