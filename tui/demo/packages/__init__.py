"""Where programs come from when they are not installed: one file for each source."""
