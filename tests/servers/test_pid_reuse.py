"""Pid reuse, forced with real processes: no wrong one is ever signalled.

Needs root and a kernel that lets it make a pid namespace and choose the next pid in it; elsewhere the same is
simulated at the kernel's interface (`tests/unit/test_signal_pin.py`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def possible() -> bool:
    if shutil.which("unshare") is None:
        return False
    script = ["sh", "-c", "echo 100 > /proc/sys/kernel/ns_last_pid"]
    return subprocess.run([*OWN, *script], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not possible(), reason="this machine lets nobody choose a pid")
def test_no_wrong_process_is_signalled() -> None:
    argv = [*OWN, sys.executable, "-P", "-m", "tests.servers.pid_reuse"]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=env, timeout=50)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    for moment in ("before", "between"):
        assert "is another process by now" in said[moment]
        assert said[moment].endswith("unharmed")
    assert said["after"].startswith("no such process")
    assert said["after"].endswith("unharmed")
    assert said["never"] == "sent: HIT"
