"""Where is what? An anchor-free detector, average precision, and the user's own COCO annotations.

May import `ablations`, `subjects.tasks` and `pictures`. Imported by nothing of ours.
"""
