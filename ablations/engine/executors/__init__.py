"""Where do runs run? A slot of this machine, of a Ray cluster or of a Slurm cluster.

May import `ablations`, `records` and `worker`. Imported by `supervision`, `studies`, `words` and `options`.
"""
