"""What is a parameter worth, and what does a ratio cost?

May import `plain_files` and `analysis`. Imported by `tradeoff`, `width`, `analysis.claims`, `evidence`, `until_width`
and `cli`.
"""
