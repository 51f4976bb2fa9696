"""What is a parameter worth, and what does a ratio cost?

May import `plain_files` and `analysis`. Imported by `sequential`, `tradeoff`, `width`, `analysis.claims`, `evidence`
and `cli`.
"""
