"""What does a block of attention compute? Squeezes, excitations, gates, controls and kin.

May import `ablations` and `settings`. Imported by `networks`, `counting`, `attach`, `stacking`, `attention.claims` and
`recording`.
"""
