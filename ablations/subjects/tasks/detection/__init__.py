"""Where is what? An anchor-free detector, average precision, and the user's own COCO annotations.

May import `ablations`, `data.sources`, `subjects.tasks` and `pictures`. Imported by nothing of ours.
"""
