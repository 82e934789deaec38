"""Who sits at this terminal, as far as the system tells: for the audit and for the dialog of an action."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping

from msgspec import Struct


class Who(Struct, frozen=True):
    """`user` is the account's name, with whom it was before `sudo`; `origin` where they came from ("ssh from
    10.0.0.5", "tty"), `host` where midwatch runs."""

    user: str
    origin: str
    host: str

    @classmethod
    def here(cls, env: Mapping[str, str]) -> Who:
        uid = os.geteuid()
        try:
            user = pwd.getpwuid(uid).pw_name
        except KeyError:
            user = str(uid)
        before = env.get("SUDO_USER", "")
        if before and before != user:
            user = f"{user} (sudo by {before})"
        client = env.get("SSH_CONNECTION", "").split(" ")[0]
        return cls(user, f"ssh from {client}" if client else "local", socket.gethostname().split(".")[0])
