"""How is a list of runs executed so that each is committed once, whatever dies meanwhile?

It knows no subject: any function `train(settings, context)` can be a run.
"""
