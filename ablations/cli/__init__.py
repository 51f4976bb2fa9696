"""The command line `ablate`; the one place that knows all three packages."""
