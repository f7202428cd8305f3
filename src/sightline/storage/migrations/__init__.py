"""The catalogue's one history of schema changes."""
