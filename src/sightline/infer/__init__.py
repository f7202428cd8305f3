"""Answers about pictures from a sealed model: one by one, in batches, and over folders; never needs torch."""
