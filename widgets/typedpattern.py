"""What somebody typed to look for: a regular expression where it is one, else the text as it stands."""

from __future__ import annotations

import re
import warnings
from typing import AnyStr


def case_of(text: str) -> re.RegexFlag:
    """Capitals count once there is one; the letter of an escape (`\\S`) is none."""
    letters = re.sub(r"\\.", "", text)
    return re.IGNORECASE if letters == letters.lower() else re.NOFLAG


def regular(text: AnyStr, flags: re.RegexFlag) -> re.Pattern[AnyStr] | None:
    """None where it is no regular expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[` may mean something else one day
            return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError):
        return None


def typed_pattern(text: str) -> re.Pattern[str] | None:
    """None for an empty text, which looks for nothing."""
    if not text:
        return None
    case = case_of(text)
    return regular(text, case) or re.compile(re.escape(text), case)


def taken_as(text: str, *, plain: bool) -> str:
    """What was typed, behind what it was taken as where it is no regular expression: a title is cut behind."""
    return f"as plain text: {text}" if plain else text
