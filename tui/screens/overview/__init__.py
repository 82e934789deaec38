"""The Overview: what is wrong now, what changed, and vital signs."""
