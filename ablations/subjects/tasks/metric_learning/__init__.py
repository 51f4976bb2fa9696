"""Are two images of one identity? Embeddings learnt under a margin loss, judged on identities never seen.

May import nothing of ours. Imported by nothing of ours.
"""
