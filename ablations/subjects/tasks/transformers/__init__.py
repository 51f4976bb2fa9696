"""What does channel attention do beside self-attention, and in its place? A small vision transformer.

May import `settings`, `networks`, `placing` and `data`. Imported by nothing of ours.
"""
