"""The contexts of a demo's configuration: one where nothing has to be armed, one to try arming on."""

from __future__ import annotations

from collections.abc import Sequence

DEMO, GUARDED = CONTEXTS = ("demo", "guarded")
HEAD = f"""default = "{DEMO}"

[context.{DEMO}]
colour = "green"
arm = "always"

# The same servers, as production should be: the first action asks why, and arms for 15 minutes.
[context.{GUARDED}]
colour = "yellow"
"""


def configuration(tables: Sequence[str]) -> str:
    """The whole of it; `tables` are those of the first context."""
    same = [text.replace(f"[context.{DEMO}.", f"[context.{GUARDED}.") for text in tables]
    return "\n".join([HEAD, *tables, *same])
