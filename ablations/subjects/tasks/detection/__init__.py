"""Where is what? An anchor-free detector, average precision, and the user's own COCO annotations.

May import `ablations`, `subjects.tasks`, `data.sources` and `pictures`. Imported by nothing of ours.
"""
