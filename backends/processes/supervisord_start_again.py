"""The second half of a restart: what was told to stop is started once it has, by a process of its own.

supervisord knows no restart: it is a stop, then a start. The process that waits in between belongs to nobody and
has no terminal, so that the start comes even if midwatch is left, loses its terminal, or is killed meanwhile.
Both ends talk by lines through a socket pair: the request, `ready`; then `off`, or `go`, which midwatch's end
means too; then `stopped`, and at last `started` or `failed WHY`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from backends.api.actions import Refused
from backends.api.errors import BackendError, BadReply, Conflict, NotFound, Unreachable
from backends.processes.supervisord_programs import IDLE, Info
from backends.processes.supervisord_rpc import Address, Rpc, SpawnFailed, load_client

LOOK = 0.25
"""Seconds between two questions while something is followed."""
SETTLING = 2.0
"""Seconds after which what has not begun to happen does not happen: a call that waited in the socket of a frozen
supervisord is carried out when it goes on."""
READY = 10.0
"""Seconds that it may take to be there."""


class Request(msgspec.Struct, frozen=True):
    """Which program of which supervisord: it runs as `pid` until it is told to stop, and has `seconds` to."""

    shown: str
    base: str
    socket: str | None
    username: str | None
    password: str | None
    patience: float
    name: str
    pid: int
    seconds: float


class SecondHalf:
    """midwatch's end. Closing it, in whatever way, leaves the rest to the process."""

    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name, self._reader, self._writer = name, reader, writer
        self._told = 0.0

    @classmethod
    async def begin(cls, rpc: Rpc, name: str, pid: int, seconds: float) -> Self:
        """Have it there before anything is stopped. Raises `Refused` where that can't be."""
        secret = await asyncio.to_thread(rpc.secret)
        address = rpc.address
        request = Request(
            address.shown,
            address.base,
            address.socket,
            rpc.username,
            None if secret is None else secret.reveal(),
            rpc.patience,
            name,
            pid,
            seconds,
        )
        try:
            ours = await asyncio.to_thread(_spawn)
            half = cls(name, *await asyncio.open_connection(sock=ours))
        except OSError as error:
            raise Refused(
                f"the process that starts it again can't be made: {error.strerror}; nothing was stopped"
            ) from error
        try:
            half._say(msgspec.json.encode(request))
            async with asyncio.timeout(READY):
                if await half._reader.readline() != b"ready\n":
                    raise Refused("the process that starts it again did not come up; nothing was stopped")
        except BaseException as error:
            half.call_off()
            if isinstance(error, TimeoutError | OSError):
                raise Refused("the process that starts it again is gone; nothing was stopped") from error
            raise
        return half

    def go(self) -> None:
        """It was told to stop."""
        self._told = time.monotonic()
        self._say(b"go")

    def call_off(self) -> None:
        """It was not told to stop: nothing is to be started."""
        self._say(b"off")
        self.close()

    def close(self) -> None:
        self._writer.close()

    async def followed(self, tell: Callable[[str], None]) -> str:
        """Until it has been told to start; why it was not, else "". Raises `Unreachable` where nobody knows."""
        while line := (await self._reader.readline()).decode("utf-8", "replace").strip():
            word, _, rest = line.partition(" ")
            if word == "stopped":
                tell(f"{self._name}: stopped after {time.monotonic() - self._told:.1f} s")
            elif word == "started":
                tell(f"{self._name}: told to start")
                return ""
            else:
                return rest
        raise Unreachable("the process that was to start it again is gone", where=self._name, hint="start it")

    def _say(self, line: bytes) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(line + b"\n")


def _spawn() -> socket.socket:
    """Our end. Blocks for a moment: what is started forks once and is nobody's child. Raises OSError."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "backends.processes.supervisord_start_again"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        process.wait()
    except BaseException:
        ours.close()
        raise
    return ours


async def info_of(rpc: Rpc, name: str) -> Info:
    """Raises `BackendError`; `NotFound` where supervisord has no such program."""
    answer: Mapping[str, Any] = await rpc.call("supervisor.getProcessInfo", name)
    try:
        return msgspec.convert(answer, Info)
    except msgspec.ValidationError as error:
        raise BadReply(f"an answer that makes no sense: {error}", where=rpc.address.shown) from error


async def start_again(rpc: Rpc, name: str, pid: int, seconds: float, report: Callable[[str], None]) -> None:
    """Start what is being stopped once it has. What can't be asked just now is asked again, `seconds` long."""
    began = time.monotonic()
    trouble, answered, stopped = "no answer", 0.0, False
    while time.monotonic() - began < seconds:
        try:
            info = await info_of(rpc, name)
            answered = answered or time.monotonic()
            if info.statename in IDLE:
                if not stopped:
                    report("stopped")
                    stopped = True
                with contextlib.suppress(SpawnFailed):  # Its state says so.
                    await rpc.call("supervisor.startProcess", name, False)
                report("started")
                return
            if info.pid not in (0, pid):
                report("started")  # By somebody else, or by a call of ours whose answer was lost.
                return
            if info.statename in ("STARTING", "RUNNING") and time.monotonic() - answered > SETTLING:
                report("failed it did not begin to stop")
                return
            trouble = f"not stopped within {seconds:g} s"
        except (Conflict, NotFound) as error:
            report(f"failed {error.reason}")
            return
        except BackendError as error:
            trouble = str(error)
        await asyncio.sleep(LOOK)
    report(f"failed {trouble}")


def main() -> None:
    # Nobody's child: who started it has nothing to wait for.
    if os.fork():
        os._exit(0)
    os.setsid()
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    load_client()  # Before anything is down, which would be down the longer for it.
    _report("ready")
    if sys.stdin.buffer.readline() == b"off\n":
        return
    address = Address(request.shown, request.base, request.socket, near=False, host=None)

    async def run() -> None:
        rpc = Rpc(address, request.username, request.password, request.patience)
        try:
            await start_again(rpc, request.name, request.pid, request.seconds, _report)
        finally:
            await rpc.close()

    asyncio.run(run())


def _report(line: str) -> None:
    # Whether somebody still listens is all the same.
    with contextlib.suppress(OSError):
        os.write(1, line.replace("\n", " ").encode("utf-8", "replace") + b"\n")


if __name__ == "__main__":
    main()
