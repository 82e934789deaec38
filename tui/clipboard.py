"""Copying out of a terminal: OSC 52 where the terminal takes it, and a file that always works."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from backends.state import own_folder

OSC52_MOST = 74_000
"""Bytes of text that terminals commonly take in one OSC 52; more is only in the file."""


def osc52(text: str, env: Mapping[str, str]) -> str:
    """The sequence that puts a text on the clipboard of the terminal in front of the user.

    Inside tmux it is sent twice: as it is, for tmux to act on (`set-clipboard on`), and wrapped, for tmux to
    pass through (`allow-passthrough on`); either alone fails with the other's default. Inside screen only the
    wrapped form gets out.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if env.get("TMUX"):
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if env.get("STY"):
        return f"\x1bP{plain}\x1b\\"
    return plain


def save(text: str, path: Path, *, new: bool = False) -> str:
    """Write a text for its owner only; with `new`, only where there is no such file yet. Blocks. Returns why it
    could not be written, empty when it was."""
    exclusive = os.O_EXCL if new else os.O_TRUNC
    try:
        if not new:
            own_folder(path.parent)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | exclusive, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        return "is there already; choose another name"
    except OSError as error:
        return f"could not be written: {error.strerror}"
    return ""
