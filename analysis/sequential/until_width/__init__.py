"""When is r* known to within a width? The rule of such a study, the seeds that it takes, and what is said of it.

May import `plain_files`, `analysis`, `prices`, `tables` and `sequential`. Imported by `options`, `sections` and `cli`.
"""
