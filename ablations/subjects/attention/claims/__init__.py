"""What can be computed of claims on channel attention, and which small trainings decide others?

May import `ablations`, `settings`, `blocks`, `counting`, `attach`, `placing` and `cost`. Imported by
nothing of ours.
"""
