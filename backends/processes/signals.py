"""Signals to processes of this host: to the one that was meant, and to no other.

A pid is a number that is given away again. So the process is pinned by a pidfd first, then its start time and
boot are compared with what the person saw, then the signal goes through the pidfd: from the comparison on, the
pidfd means that process or none (pidfd_open(2), pidfd_send_signal(2)).
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backends.api.actions import Action, Outcome, Permit, Refused, Target, Tell
from backends.api.errors import Denied, NotFound, TimedOut, Unsupported
from backends.api.processes import Process
from backends.processes import proc
from backends.processes.afterwards import Afterwards, Sent
from backends.processes.proc_files import read
from backends.processes.signal_offer import named, offers
from backends.processes.signal_subject import subject_of
from backends.processes.table import pid_of
from backends.processes.untouchable import why_untouchable
from backends.threads import Threads


class Signals:
    """Below `root` (`/proc`); `key` names a process as the table does, `timeout` is for one look in seconds."""

    def __init__(self, root: str, source: str, key: Callable[[proc.Stat], str], timeout: float) -> None:
        self._root, self._source, self._key, self._timeout = root, source, key, timeout
        self._threads = Threads("signals", 4)
        self._afterwards = Afterwards(root, key, self._threads)
        self._sent: dict[str, Sent] = {}

    def target(self, row: Process) -> Target:
        return Target(self._source, "processes", row.key, row.name, row.key, row.host, f"{row.name} {row.pid}")

    async def actions(self, row: Process) -> tuple[Action, ...]:
        """Raises `NotFound` where the process is gone, `TimedOut` where the kernel holds whoever asks."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._threads.run(lambda: self._offers(row))
        except TimeoutError:
            raise TimedOut(f"no answer within {self._timeout:g} s", where=f"pid {row.pid}") from None

    def _offers(self, row: Process) -> tuple[Action, ...]:
        try:
            stat = self._stat(row.pid)
            seen = subject_of(self._root, self.target(row), stat, row.command)
        except (OSError, ValueError) as error:
            raise NotFound(f"no such process: pid {row.pid}") from error
        if self._key(stat) != row.key:
            raise NotFound(f"no such process: pid {row.pid} is another one by now")
        blocked = why_untouchable(self._root, stat) or self._why_dead(stat)
        return offers(seen, pinned=can_pin(), blocked=blocked)

    def _why_dead(self, stat: proc.Stat) -> str:
        if stat.state not in "ZX":
            return ""
        return f"it has ended already and is a zombie until {self._afterwards.name(stat.ppid)} collects it"

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        """Send it. Raises `Refused` where the pid is another process by now, `NotFound`, `Denied`, `Unsupported`;
        whichever it is, nothing was sent."""
        given_up = threading.Event()
        try:
            sent = await self._threads.run(lambda: self._send(action, permit, given_up))
        except TimedOut as error:
            raise Refused(error.reason, error.hint) from error  # No thread was free: it was not even begun.
        finally:
            # A thread can't be cancelled, but one that hangs must not send after nobody expects it any more.
            given_up.set()
        self._forget(action)
        self._sent[action.digest] = sent
        tell(f"{action.title} sent to {sent.pid}")

    def _send(self, action: Action, permit: Permit, given_up: threading.Event) -> Sent:
        permit.use(action)
        number = named(dict(action.arguments)["signal"])
        pid = pid_of(action.target.key)
        if number is None:
            raise Refused(f"there is no signal {action.title} here")
        with self._explained(pid):
            handle = pin(pid)
            try:
                stat = self._identify(pid, action.target)
                blocked = why_untouchable(self._root, stat) or self._why_dead(stat)
                if blocked or given_up.is_set():
                    raise Refused(blocked or "nobody waits for it any more")
                sent = Sent(pid, handle, time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), stat.ppid)
                if handle is None:
                    # The smallest window there is: between this look and the next line the pid may change hands.
                    self._identify(pid, action.target)
                    os.kill(pid, number)
                else:
                    signal.pidfd_send_signal(handle, number)
            except BaseException:
                if handle is not None:
                    os.close(handle)
                raise
        return sent

    @contextmanager
    def _explained(self, pid: int) -> Iterator[None]:
        """What the kernel says to it, in words."""
        where = f"pid {pid}"
        try:
            yield
        except ProcessLookupError as error:
            raise NotFound(f"no such process: {where}") from error
        except PermissionError as error:
            owner, me = self._owner(pid), account(os.geteuid())
            text = f"not permitted: it belongs to {owner}, midwatch runs as {me}"
            raise Denied(text, where=where, hint=f"run midwatch as {owner}, or as root") from error
        except OSError as error:
            raise Unsupported(error.strerror or str(error), where=where) from error

    def _identify(self, pid: int, target: Target) -> proc.Stat:
        try:
            stat = self._stat(pid)
        except (OSError, ValueError) as error:
            raise NotFound(f"no such process: pid {pid}") from error
        if self._key(stat) != target.identity:
            raise Refused(f"pid {pid} is another process by now ({stat.comm}): {target.name} has ended")
        return stat

    async def look(self, action: Action, tell: Tell) -> Outcome:
        """What became of it. Asked again later, with nothing pinned any more, /proc alone tells."""
        sent = self._sent.get(action.digest)
        try:
            return await self._afterwards.read_back(action, sent, tell)
        finally:
            self._forget(action)

    def _forget(self, action: Action) -> None:
        sent = self._sent.pop(action.digest, None)
        if sent is not None and sent.handle is not None:
            os.close(sent.handle)

    def close(self) -> None:
        for sent in self._sent.values():
            if sent.handle is not None:
                os.close(sent.handle)
        self._sent.clear()

    def _stat(self, pid: int) -> proc.Stat:
        return proc.parse_stat(read(f"{self._root}/{pid}/stat", 2048, whole=False))

    def _owner(self, pid: int) -> str:
        try:
            uid = proc.parse_uid(read(f"{self._root}/{pid}/status"))
        except OSError:
            return "another user"
        return "another user" if uid is None else account(uid)


def account(uid: int) -> str:
    """A user's name, or the number where nobody knows one. Blocks."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def pin(pid: int) -> int | None:
    """A pidfd; None where this kernel, or the container's seccomp profile, has none. Raises OSError."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):
        if can_pin():
            raise
        return None


def can_pin() -> bool:
    """Whether pidfds are to be had at all (Linux 5.3, and a seccomp profile that knows them)."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True
