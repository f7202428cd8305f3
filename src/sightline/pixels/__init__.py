"""Bytes to pixels and pixels to pixels, the same for training, evaluation and prediction.

Bytes are taken for a stranger's: the header is read first, the format comes from a short list, the
size has a limit, and what cannot be decoded whole is a value with its reason.
"""
