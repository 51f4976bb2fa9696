"""What does `ablate` understand? One function a command; each imports what it needs when it is called.

May import every package and every folder but `search_spaces`; imported by none.
"""
