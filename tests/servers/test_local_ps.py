"""This host's processes against `ps`: the same facts, and none left out."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import pytest

from backends.api.processes import Process, ProcessState
from backends.processes import proc
from backends.processes.local import Local, LocalSettings
from backends.processes.table import Table
from tests.servers.zoo import NAME, Zoo

COLUMNS = ("pid", "ppid", "user:32", "stat", "rss", "lstart", "args")
ROUNDS = 10
LONG = 10_000
"""Characters of a command line that are compared."""


class Line(NamedTuple):
    pid: int
    ppid: int
    user: str
    state: str
    rss: int
    started: float
    args: str


def ps() -> dict[int, Line]:
    argv = ["ps", "-ww", "-e"]
    for column in COLUMNS:
        argv += ["-o", f"{column}="]
    listed = subprocess.run(argv, capture_output=True, check=True, env={**os.environ, "LC_ALL": "C", "TZ": "UTC"})
    lines = {}
    for raw in listed.stdout.decode("utf-8", "replace").splitlines():
        pid, ppid, user, state, rss, *rest = raw.split(None, 10)
        started = datetime.strptime(" ".join([*rest[:5], "+0000"]), "%a %b %d %H:%M:%S %Y %z").timestamp()
        args = rest[5].rstrip() if len(rest) > 5 else ""
        lines[int(pid)] = Line(int(pid), int(ppid), user, state[0], int(rss), started, args)
    return lines


def wrong_facts(before: Process, line: Line, after: Process) -> list[str]:
    """What ps says and neither the look before it nor the one after it: a process changes meanwhile."""
    kilobytes = sorted(row.rss // 1024 for row in (before, after) if row.rss is not None)
    between = bool(kilobytes) and kilobytes[0] <= line.rss <= kilobytes[-1]
    told = [list(differences(row, line)) for row in (before, after)]
    both = [text for text in told[0] if any(text.split(" ")[0] == other.split(" ")[0] for other in told[1])]
    return [text for text in both if not (between and text.startswith("rss "))]


def differences(row: Process, line: Line) -> Iterator[str]:
    if row.ppid != line.ppid:
        yield f"ppid {row.ppid}, ps says {line.ppid}"
    if row.user != line.user:
        yield f"user {row.user}, ps says {line.user}"
    if row.state is not proc.STATES.get(line.state):
        yield f"state {row.state}, ps says {line.state}"
    if row.rss != line.rss * 1024:
        yield f"rss {row.rss}, ps says {line.rss} KiB"
    if row.started is None or abs(row.started.timestamp() - line.started) > 1:
        yield f"started {row.started}, ps says {line.started}"
    if not says_the_same(row.command, line.args.removesuffix(" <defunct>")):
        yield f"command {row.command!r}, ps says {line.args!r}"


def says_the_same(command: str, shown: str) -> bool:
    """Whether ps, which puts one to eight characters in the place of each that is not printable, may mean this
    command line. It has a buffer of its own too: of a long line only the beginning is compared."""
    parts = re.findall(r"[ -~]+|[^ -~]+", command.strip()[:LONG])
    # All the places at which what was compared so far may end: looked at part by part, since a regular expression
    # with many such gaps takes exponential time where the lines differ.
    ends = {0}
    for part in parts:
        gap = not " " <= part[0] <= "~"
        if gap:
            ends = {end + size for end in ends for size in range(len(part), 8 * len(part) + 1)}
        else:
            ends = {end + len(part) for end in ends if shown.startswith(part, end)}
    return bool(ends) if len(command) > LONG else len(shown) in ends


def test_the_comparison_with_ps_can_fail_and_is_quick() -> None:
    script = "bash -c 'one\n\ttwo" + "\n世界" * 3000
    assert says_the_same(script, script.replace("\n", " ").replace("\t", ".").replace("世界", "??????"))
    assert not says_the_same(script, script.replace("\n", " ").replace("two", "three"))
    assert not says_the_same("a\nb", "a b c")
    assert not says_the_same("a\nb c", "a b")


@pytest.fixture
def zoo() -> Iterator[Zoo]:
    with Zoo() as made:
        yield made


def test_the_same_facts_as_ps_and_none_left_out(zoo: Zoo) -> None:
    odd = {zoo.odd(), zoo.retitled(), zoo.nameless(), zoo.stopped(), zoo.zombie(), zoo.waiting()}
    table = Table("/proc", "box", "local/host")
    wrong: dict[int, list[str]] | None = None
    for _ in range(ROUNDS):
        # A process changes while it is looked at: only what differs round after round is an error.
        rows = {row.pid: row for row in table.look().values()}
        looked = time.time()
        lines = ps()
        later = {row.pid: row for row in table.look().values()}
        missing = {pid for pid, line in lines.items() if pid not in rows and line.started < looked - 2}
        assert not missing, [lines[pid] for pid in missing]
        assert odd <= lines.keys()
        found = {
            pid: wrong_facts(rows[pid], line, later[pid])
            for pid, line in lines.items()
            # We ourselves run while we look, and wait while ps does.
            if pid in rows and pid in later and pid != os.getpid() and (wrong is None or pid in wrong)
        }
        wrong = {pid: what for pid, what in found.items() if what}
        if not wrong:
            return
    pytest.fail(f"not as ps says: {wrong}")


async def rows(backend: Local) -> dict[int, Process]:
    source = backend.processes(None)
    seen = await anext(source)
    await source.aclose()
    return {row.pid: row for row in seen.value.values()}


async def test_odd_processes_are_what_they_are(zoo: Zoo) -> None:
    odd, retitled, stopped = zoo.odd(), zoo.retitled(), zoo.stopped()
    zombie, waiting = zoo.zombie(), zoo.waiting()
    backend = Local("host", LocalSettings())
    async with asyncio.timeout(5):
        # The kernel shows the vforking parent as waiting a moment after it has said that it is up.
        while (found := await rows(backend))[waiting].state is not ProcessState.WAITING:
            pass
    assert found[odd].name == NAME
    assert found[odd].ppid == os.getpid()
    assert found[odd].command.endswith(f"{NAME}  \N{REPLACEMENT CHARACTER}\x1b[2J arg line\nbreak")
    assert found[retitled].command == "worker: idle"
    assert found[stopped].state is ProcessState.STOPPED
    assert (found[zombie].state, found[zombie].command) == (ProcessState.ZOMBIE, "[true]")
    assert found[os.getpid()].threads
    await backend.close()
