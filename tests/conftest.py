"""What holds for every test: no configuration of the person who runs them, and no blocking call on the loop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

FOREIGN = ("ETCDCTL_", "MIDWATCH_", "XDG_", "GRPC_", "COLUMNS", "LINES")
"""Of the last two the terminal tells more; readline, which pytest imports, hands its own to xdist's workers."""
STRICT = ("unit", "contract", "flows", "looks")

# A shell without job control starts what it puts into the background deaf to these two, and every program that a
# test starts would inherit that: a ctrl+c that a test sends would go nowhere.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The servers' cache stays the user's: what was fetched once is not fetched for each test."""
    import os

    cache = os.environ.get("XDG_CACHE_HOME")
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    if cache:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TMUX", raising=False)


@pytest.fixture(autouse=True)
def nothing_blocks(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """A blocking call on the loop fails the test."""
    if not any(f"tests/{folder}/" in request.node.nodeid for folder in STRICT):
        yield None
        return
    with blockbuster_ctx() as guard:
        # Importing a module reads files; Textual reads its own sources for a traceback that it draws.
        for function in ("os.stat", "io.BufferedReader.read", "io.TextIOWrapper.read", "os.path.abspath"):
            if function in guard.functions:
                guard.functions[function].can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
                guard.functions[function].can_block_in("linecache.py", "updatecache")
        # gRPC joins its poller's thread when the last channel of a process closes.
        for function in ("threading.Lock.acquire", "threading.Lock.acquire_lock"):
            if function in guard.functions:
                guard.functions[function].can_block_in("threading.py", "_wait_for_tstate_lock")
        yield guard
