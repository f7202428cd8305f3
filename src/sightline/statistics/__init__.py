"""Intervals, paired tests and calibration: plain functions on arrays."""
