"""Where is what? An anchor-free detector, average precision, and the user's own COCO annotations.

May import `ablations` and `subjects.tasks`. Imported by nothing of ours.
"""
