"""How do image files of many sizes become batches of one size, and which of them are damaged?

May import nothing of ours. Imported by nothing of ours.
"""
