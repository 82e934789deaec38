"""What stands for a sign that the terminal's encoding lacks: states stay apart by it, and columns straight.

Imports nothing slow: the first frame is written so, too.
"""

from __future__ import annotations

import codecs

SUBSTITUTES = "midwatch.substitutes"
"""The word for `errors` in `str.encode`."""
_SIGNS = dict(zip("✖▲△●○◌…–·»›‹▌▏│┤─╌┌┐└┘┴↑↓→←⏎µ×", "x!^*o.~-.>><>|||--+++++^v><<ux", strict=True)) | dict(
    zip("▁▂▃▄▅▆▇█▀", "__--==##'", strict=True)
)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_for, error.object[error.start : error.end])), error.end


def _for(char: str) -> str:
    import unicodedata

    if "\u2801" <= char <= "\u28ff":
        return "*"
    if unicodedata.combining(char):
        return ""
    return _SIGNS.get(char) or ("??" if unicodedata.east_asian_width(char) in "WF" else "?")


codecs.register_error(SUBSTITUTES, _substitute)
