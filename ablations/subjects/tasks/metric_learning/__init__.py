"""Are two images of one identity? Embeddings learnt under a margin loss, judged on identities never seen.

May import `ablations`, `settings`, `placing`, `layouts`, `stored` and `data.sources`. Imported by nothing of ours.
"""
