"""How are digits composed into scenes with masks and boxes, made once and remembered?

May import nothing of ours. Imported by nothing of ours.
"""
