"""What does channel attention do beside self-attention, and in its place? A small vision transformer.

May import nothing of ours. Imported by nothing of ours.
"""
