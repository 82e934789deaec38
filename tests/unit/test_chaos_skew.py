"""A clock that jumps: a program is told another time, and gRPC in it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.skew import Skew

ASKS = """
import sys, time
from datetime import datetime, timezone
from grpc.aio._utils import _timeout_to_deadline
for line in sys.stdin:
    print(time.time(), time.time_ns() / 1e9, datetime.now(timezone.utc).timestamp(), datetime.now().timestamp(),
          _timeout_to_deadline(0.0), flush=True)
"""


def test_the_clock_of_a_running_program_jumps_each_way(tmp_path: Path) -> None:
    skew = Skew(tmp_path / "skew")
    program = subprocess.Popen(
        [sys.executable, "-c", ASKS],
        env={**os.environ, **skew.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdin is not None
        assert program.stdout is not None
        for seconds in (0.0, 3600.0, -3600.0, 0.0):
            skew.be(seconds)
            program.stdin.write("\n")
            program.stdin.flush()
            *told, grpc = map(float, program.stdout.readline().split())
            assert all(abs(one - grpc - seconds) < 10 for one in told)
        program.stdin.close()
