"""The sealed model file: archive, manifest, signature, keys and trust, and the check of all of them."""
