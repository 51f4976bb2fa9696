"""Views of a running study for other tools; never the record, never in the way."""
