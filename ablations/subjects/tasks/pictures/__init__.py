"""How do image files of many sizes become batches of one size, and which of them are damaged?

May import `ablations`, `layouts` and `stored`. Imported by `detection` and `segmentation`.
"""
