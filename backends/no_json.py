"""What reading bytes as JSON raises where they are something else."""

from __future__ import annotations

from msgspec import DecodeError

NO_JSON = (DecodeError, UnicodeDecodeError, RecursionError)
"""Its own word, Python's for a text that is not UTF-8, and for one that is nested without end."""
