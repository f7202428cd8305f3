"""Releases: their numbers, stages, lineage and history."""
