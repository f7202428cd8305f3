"""From a folder of pictures to a dataset: import, split, audit, and sources of pictures."""
