"""Runs table in, estimates, verdicts, figures and report out. Needs no torch."""
