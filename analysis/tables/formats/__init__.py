"""What does a file of runs hold? JSON of a study folder, W&B's offline file; read as they are written.

May import `plain_files` and `analysis`. Imported by `tables` and `cli`.
"""
