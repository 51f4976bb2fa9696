"""Which class has each pixel? A U-Net, its loss and its metric, and the user's own folders of masks.

May import `ablations` and `subjects.tasks`. Imported by nothing of ours.
"""
