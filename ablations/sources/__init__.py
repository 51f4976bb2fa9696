"""Where labelled examples come from: each source gives all of them, unscaled, before any split."""
