"""Plan, supervisor, workers and records: how a study is executed and survives."""
