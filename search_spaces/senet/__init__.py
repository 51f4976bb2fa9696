"""The ablation tables of the SENet paper (arXiv:1709.01507, tables 10 to 16) as spaces, with what was published.

May import `ablations`. Imported by nothing of ours.
"""
