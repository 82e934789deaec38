"""One run of `journalctl`: its output in chunks, its complaints, and its certain end."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from backends.api.errors import BackendError, Denied, NotFound, Unreachable, Unsupported

CHUNK = 256 << 10
"""Bytes that are taken at once; the pipe and twice this are all that may wait, then journalctl does."""
SAID = 20
"""Complaints that are kept, each of at most `SAID_BYTES`."""
SAID_BYTES = 500
GROUP_HINT = "let this user read the journal: usermod -aG systemd-journal USER, then log in anew"
MISSING_HINT = 'it is in the package systemd; or name it: program = "/path/to/journalctl"'


class Run:
    """A running journalctl. `complaints` are what it has said on stderr and nobody has taken yet."""

    def __init__(self, process: asyncio.subprocess.Process, where: str) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._where = process, where
        self._out = process.stdout
        self._last = ""
        self.complaints: deque[str] = deque(maxlen=SAID)
        self._listening = asyncio.create_task(self._listen(process.stderr), name="journalctl stderr")

    @property
    def pid(self) -> int:
        return self._process.pid

    async def read(self, seconds: float | None = None) -> bytes | None:
        """What has come: b"" at its end, None where nothing came for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._out.read(CHUNK)
        except TimeoutError:
            return None

    async def succeeded(self) -> None:
        """Wait for its end; raises why it failed, if it did."""
        if await self._process.wait():
            raise await self.why()
        await self._listening

    async def why(self) -> BackendError:
        """Why it has ended."""
        status = await self._process.wait()
        await self._listening
        said = self._last or f"journalctl ended with {status}"
        lower = said.lower()
        if "permission" in lower or "not permitted" in lower:
            return Denied(said, where=self._where, hint=GROUP_HINT)
        if "no such file" in lower:
            return NotFound(said, where=self._where, hint="it is read as soon as it is there")
        return Unreachable(said, where=self._where)

    async def end(self) -> None:
        """Kill it if need be, stopped or not, and wait until it is gone: it leaves no zombie."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._listening.cancel()
        # While something was not read its pipe stays open.
        while await self._out.read(CHUNK):
            pass
        await self._process.wait()

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        """A long line must neither fill the pipe nor the memory."""
        rest = b""
        while data := await stream.read(4096):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[:SAID_BYTES]
            for line in lines:
                self._say(line)
        self._say(rest)

    def _say(self, line: bytes) -> None:
        said = line[:SAID_BYTES].decode("utf-8", "replace").strip()
        if said:
            self._last = said
            self.complaints.append(said)


@asynccontextmanager
async def running(argv: Sequence[str], where: str) -> AsyncGenerator[Run, None]:
    """Start journalctl, and end it with the block.

    Should midwatch itself be killed, it goes too: while it follows it polls its own output for errors, and ends
    when nobody is left to read it. Raises `Unsupported` where there is no such program.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=CHUNK,
            # Its complaints are read by their English words.
            env={**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_LOG_COLOR": "0"},
        )
    except FileNotFoundError:
        raise Unsupported("there is no journalctl on this machine", where=argv[0], hint=MISSING_HINT) from None
    except OSError as error:
        raise Unsupported(f"can't be started: {error.strerror}", where=argv[0], hint=MISSING_HINT) from None
    run = Run(process, where)
    try:
        yield run
    finally:
        await run.end()
