"""Figures: each a function from a table or a result to matplotlib axes."""
