"""The presets: which settings a study may visit, one small module each."""
