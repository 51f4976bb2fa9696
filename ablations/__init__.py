"""One setting to one number, many settings to a study: networks, training and the study engine."""
