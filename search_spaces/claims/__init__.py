"""What do introductions to channel attention claim, and which runs decide it? Files of claims, and their spaces.

May import `ablations`. Imported by nothing of ours.
"""
