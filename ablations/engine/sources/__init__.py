"""What runs next? A finite plan, or a search that proposes one arm after another.

May import `plain_files`, `ablations` and `records`. Imported by `designs`, `supervision` and `studies`.
"""
