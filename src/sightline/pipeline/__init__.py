"""Stages strung into resumable jobs. Rooms that import torch are imported inside functions only."""
