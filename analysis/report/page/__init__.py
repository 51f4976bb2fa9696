"""How is a report written? HTML, the same tables as CSV, Markdown and LaTeX, and how numbers are put.

May import `plain_files` and `drawing`. Imported by `evidence`, `figures`, `sections` and `report`.
"""
