"""Values become one self-contained page."""
