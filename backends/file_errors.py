"""What the system says of a file, as what a source raises: for all backends that read files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backends.api.errors import Denied, Unreachable


@contextmanager
def file_errors() -> Iterator[None]:
    """Raises `Denied` and `Unreachable` for the `OSError`s below it."""
    try:
        yield
    except PermissionError as error:
        raise Denied(error.strerror or "permission denied", where=str(error.filename or "")) from error
    except OSError as error:
        raise Unreachable(error.strerror or str(error), where=str(error.filename or "")) from error
