"""What do the gates of a network do, and are they right? Looked at on validation examples, whatever trains the network.

May import `blocks` and `data`. Imported by `training` and `own_module`.
"""
