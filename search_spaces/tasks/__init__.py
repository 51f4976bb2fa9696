"""What does attention do for each task beside classification? A space for each, small enough for one core.

May import `ablations`. Imported by nothing of ours.
"""
