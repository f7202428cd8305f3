"""Training: architectures, initial weights, pixels in memory, augmentation and the loop.

One of the two rooms that import torch. This file imports nothing, so that plugin folders inside can
be listed without torch.
"""
