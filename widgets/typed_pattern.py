"""What somebody typed to look for: a regular expression where it is one, else the text as it stands."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import AnyStr


def case_of(text: str) -> re.RegexFlag:
    """Capitals count once there is one; the letter of an escape (`\\S`) is none."""
    letters = re.sub(r"\\.", "", text)
    return re.IGNORECASE if letters == letters.lower() else re.NOFLAG


def regular(text: AnyStr, flags: re.RegexFlag) -> re.Pattern[AnyStr] | None:
    """None where it is no regular expression."""
    found = _compiled(text, flags)
    return found if isinstance(found, re.Pattern) else None


def _compiled(text: AnyStr, flags: re.RegexFlag) -> re.Pattern[AnyStr] | str:
    """Else why it is no regular expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[` may mean something else one day
            return re.compile(text, flags)
    except re.error as error:
        return error.msg
    except OverflowError:
        return "too large a number"
    except RecursionError:
        return "nested too deeply"


@lru_cache(maxsize=32)
def as_taken(text: str, *, plain: bool = False) -> str:
    """What a title says of it: one that is no regular expression stands behind why, for a title is cut behind.
    `plain`: it was taken as text, be it for another reason."""
    why = _compiled(text, case_of(text))
    reason = f" ({why})" if isinstance(why, str) else ""
    return f"as plain text{reason}: {text}" if reason or plain else text


def typed_pattern(text: str) -> re.Pattern[str] | None:
    """None for an empty text, which looks for nothing."""
    if not text:
        return None
    case = case_of(text)
    return regular(text, case) or re.compile(re.escape(text), case)
