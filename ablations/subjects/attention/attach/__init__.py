"""How does attention get into any network, what does it cost there, and how does it come out again?

May import `ablations`, `settings`, `blocks` and `counting`. Imported by `attention.claims` and `own_module`.
"""
