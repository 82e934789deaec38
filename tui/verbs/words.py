"""Words of the command line that several verbs understand."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from widgets.quantities import duration


class WrongUse(Exception):
    """The words of the command line can't be followed; said in one line, exit 2."""


def moment(text: str) -> datetime:
    """A duration back from now, or an RFC 3339 time. Raises `WrongUse`."""
    try:
        with contextlib.suppress(ValueError):
            return datetime.now(UTC) - timedelta(seconds=duration(text))
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise WrongUse(f"--since {text}: expected a duration (90s, 15m, 1h30m, 2d) or a time") from None
    except OverflowError:
        raise WrongUse(f"--since {text}: expected a time of the years 1 to 9999") from None
