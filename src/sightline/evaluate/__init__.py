"""How good a model is, with honest intervals, and whether it may replace another."""
