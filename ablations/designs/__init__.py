"""Designs: how a space becomes a finite list of assignments, and those a list of runs."""
