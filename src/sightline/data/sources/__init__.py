"""Where pictures come from when there is no folder of them yet, one file each.

Modules that start with ``_`` are parts of the module whose name they begin with.
"""
