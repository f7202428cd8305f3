"""What happened after a release: the log of predictions, which is written and read through here alone."""
