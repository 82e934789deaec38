"""Rows of a kind under a cursor; columns and plain text need no screen."""
