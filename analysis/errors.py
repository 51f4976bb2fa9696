"""The error a reader of runs can cause: a table that does not say what an estimate needs."""


class TableError(ValueError):
    """A table, a column, a row or an option that breaks a stated rule."""
