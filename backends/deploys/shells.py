"""Which items of a command a shell reads as code, where the command is one that midwatch knows. Pure.

What other programs do with their arguments (`python -c`, `env -S`, a script's own `eval`) is not looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

SHELL = re.compile(r"-?(?:r?ba|da|a|r?k|m?k|pdk|lk|ya|z|c|tc|fi)?sh(?:-?[0-9.]+)?")
"""The basename of a shell."""
OF_ITS_OWN = re.compile(r"-?(?:c|tc|fi)sh.*")
"""Shells whose options are not those of `sh`: of them `-c` alone is known."""
AS_ANOTHER = frozenset({"su", "runuser", "sg"})
"""Give what stands at their own `-c`, wherever that is, to a shell."""
REMOTE = frozenset({"ssh", "slogin", "rsh", "autossh", "dbclient", "mosh", "scp", "rsync"})
"""Join their words to one text for the shell of the other side, or did in older versions (`scp`, `rsync`)."""
OPTIONS = re.compile(r"[-+][abcefhiklmnrstuvxoO]+|--(?:login|norc|noprofile|posix|noediting|restricted|verbose)")
"""Options of `sh` and its kin of which is known how many items they take: `-o` and `-O` one, the others none."""
CODE = re.compile(r"[-+][A-Za-z]*c.*|--(?:c|se).*", re.DOTALL)
"""What may be the option for code: `-c`, `-euc`, `-c'code'`, `--command=code`, `--session-command`."""
INERT = re.compile(r"[A-Za-z0-9._/:@+,-]*")
"""A value that every shell reads as itself."""


def code_items(argv: Sequence[str]) -> frozenset[int]:
    """The places of a command that a shell of this side reads as code or as its options, or may.

    What follows a script is not among them: positional parameters are values.
    """
    found: set[int] = set()
    for at, item in enumerate(argv):
        name, rest = os.path.basename(item), argv[at + 1 :]
        if SHELL.fullmatch(name):
            found.update(range(at + 1, at + 1 + _code_at_start(name, rest, first=at == 0)))
        elif name in AS_ANOTHER and not (name == "runuser" and "-u" in rest) and _may_hold_code(rest):
            # (`runuser -u` takes no code: behind it stands a command as it is.)
            found.update(range(at + 1, len(argv)))
    return frozenset(found)


def remote_items(argv: Sequence[str]) -> frozenset[int]:
    """The places of a command that a shell of another host reads, or may."""
    starts = [at for at, item in enumerate(argv) if os.path.basename(item) in REMOTE]
    return frozenset(range(starts[0] + 1, len(argv))) if starts else frozenset()


def _code_at_start(name: str, rest: Sequence[str], *, first: bool) -> int:
    """How many items behind a shell's name it reads as options, and as its script or the script's file.

    `first`: it is the command itself; elsewhere its name may be a mere word, if no code follows.
    """
    at = 0
    code = False
    while at < len(rest) and rest[at][:1] in ("-", "+") and rest[at] not in ("-", "--"):
        known = rest[at] == "-c" if OF_ITS_OWN.fullmatch(name) else OPTIONS.fullmatch(rest[at])
        if not known:
            # Nobody knows where its options end.
            return len(rest) if first or _may_hold_code(rest) else 0
        code = code or CODE.fullmatch(rest[at]) is not None
        at += 1 + (0 if rest[at].startswith("--") else rest[at].lower().count("o"))
    if not (first or code):
        return 0
    if at < len(rest) and rest[at] in ("-", "--"):
        at += 1
    return min(at + 1, len(rest))


def _may_hold_code(items: Sequence[str]) -> bool:
    return any(CODE.fullmatch(item) for item in items)
