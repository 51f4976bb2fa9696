"""Channel attention in our classification networks, as a subject: found by its name, never imported above.

May import `ablations`, `subjects`, `settings`, `networks`, `placing`, `data`, `cost` and `training`. Imported
by nothing of ours.
"""
