"""Which class has each pixel? A U-Net, its loss and its metric, and the user's own folders of masks.

May import `ablations`, `subjects.tasks`, `stored` and `pictures`. Imported by nothing of ours.
"""
