"""What do all figures share? Style, axes, names beside points, and saving.

May import `plain_files` and `analysis`. Imported by `page`, `gates`, `plots`, `figures`, `sections`, `report` and
`cli`.
"""
