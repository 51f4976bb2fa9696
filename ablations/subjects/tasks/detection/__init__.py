"""Where is what? An anchor-free detector, average precision, and the user's own COCO annotations.

May import nothing of ours. Imported by nothing of ours.
"""
