"""How does a study look in other tools? Views, written from the records: never the record, never in the way."""
