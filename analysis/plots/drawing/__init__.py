"""What do all figures share? Style, axes, names beside points, and saving.

May import `analysis`. Imported by `plots`, `page`, `gates`, `figures`, `report` and `cli`.
"""
