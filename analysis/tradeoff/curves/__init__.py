"""Does the quadratic hold? Eight rival curves, their average, and the lack of fit.

May import `contrasts`. Imported by `tradeoff`, `planning` and `evidence`.
"""
