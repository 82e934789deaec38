"""Secrets: fetched when a backend connects, within a time, and never part of a text or a log."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Mapping

from backends.api.errors import Misconfigured
from backends.api.settings import Secret, SecretSetting

COMMAND_SECONDS = 5.0
MOST_BYTES = 64 << 10
"""No password, token or key is longer; what an endless command prints is."""


def reveal(value: SecretSetting, env: Mapping[str, str] | None = None) -> Secret:
    """The secret that a setting stands for. Blocks (a file, a command of at most 5 s): call it in a thread.

    Raises `Misconfigured`, which names the place and never the content.
    """
    if isinstance(value, str):
        return Secret(value)
    if value.env is not None:
        found = (os.environ if env is None else env).get(value.env)
        if found is None:
            raise Misconfigured("the environment variable of a secret is not set", where=f"${value.env}")
        return Secret(found)
    if value.file is not None:
        return _from_file(value.file)
    if value.command:
        return _from_command(value.command)
    raise Misconfigured("a secret needs one of env, file, command")


class Shared:
    """A secret that several connections use: fetched once, since its command may ask a person each time."""

    def __init__(self, value: SecretSetting) -> None:
        self._value = value
        self._fetched: Secret | None = None
        self._failed: Misconfigured | None = None
        self._failures = 0
        self._fetching = threading.Lock()

    def get(self) -> Secret:
        """Blocks and raises as `reveal` does. Who waited for what failed shares it, who asks next tries again."""
        before = self._failures
        with self._fetching:
            if self._fetched is not None:
                return self._fetched
            if self._failed is not None and self._failures > before:
                raise Misconfigured(self._failed.reason, where=self._failed.where, hint=self._failed.hint)
            try:
                self._fetched = reveal(self._value)
            except Misconfigured as error:
                self._failed, self._failures = error.with_traceback(None), self._failures + 1
                raise
            return self._fetched


def _from_file(name: str) -> Secret:
    try:
        # Without waiting: a FIFO would keep this thread until somebody writes to it.
        handle = os.open(os.path.expanduser(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            info = os.fstat(handle)
            if not stat.S_ISREG(info.st_mode):
                raise Misconfigured("the place of a secret is not a file", where=name)
            if stat.S_IMODE(info.st_mode) & 0o077:
                raise Misconfigured("others can read this secret", where=name, hint=f"chmod 600 {name}")
            return _text(file.read(MOST_BYTES + 1), name)
    except OSError as error:
        raise Misconfigured(f"secret not readable: {error.strerror}", where=name) from None


def _from_command(argv: tuple[str, ...]) -> Secret:
    try:
        # A session of its own has no terminal that it could ask on, over the screen, and ends as one.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise Misconfigured(f"secret's command: {error.strerror}", where=argv[0]) from None
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(COMMAND_SECONDS, end)
    timer.daemon = True
    timer.start()
    # Who waits for it may be gone before: nobody would end it then.
    atexit.register(end)
    with process:
        assert process.stdout is not None
        data = process.stdout.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            end()
            late.clear()
        status = process.wait()
        timer.cancel()
    atexit.unregister(end)
    if late.is_set():
        raise Misconfigured(f"secret's command said nothing within {COMMAND_SECONDS:g} s", where=argv[0])
    if status and len(data) <= MOST_BYTES:
        raise Misconfigured(f"secret's command exited with {status}", where=argv[0])
    return _text(data, argv[0])


def _text(data: bytes, where: str) -> Secret:
    """Without the line end that files and commands close with."""
    if len(data) > MOST_BYTES:
        raise Misconfigured(f"longer than {MOST_BYTES >> 10} KiB, which no secret is", where=where)
    try:
        return Secret(data.decode("utf-8").rstrip("\r\n"))
    except UnicodeDecodeError:
        raise Misconfigured("secret is not text", where=where) from None
