"""A pid that changes hands at any moment of sending, simulated at the kernel's interface: nobody else is hit.

`tests/servers/test_pid_reuse.py` forces the same with real processes where the machine allows it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.api.actions import Action, End, Permit, Refused
from backends.api.errors import Denied, NotFound
from backends.api.processes import Process
from backends.processes import signals as signals_module
from backends.processes.signals import Signals
from backends.processes.table import Table
from backends.threads import Threads
from tests.unit.fake_proc import FakeProc

PID = 4242
STATUS = "Name:\tx\nUid:\t0\t0\t0\t0\nThreads:\t1\n" + "".join(
    f"{name}:\t0000000000000000\n" for name in ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")
)


class Kernel:
    """What stands in for pidfds and kill(2): it knows who has the pid, and who was hit."""

    def __init__(self, proc: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
        self.proc = proc
        self.generation = 0
        self.hit: list[tuple[int, int]] = []
        self.pinned: dict[int, int] = {}
        self.before_pin: Callable[[], None] = lambda: None
        self.after_pin: Callable[[], None] = lambda: None
        self.before_send: Callable[[], None] = lambda: None
        self.denies = False
        monkeypatch.setattr(os, "pidfd_open", self.pidfd_open, raising=False)
        monkeypatch.setattr(signal, "pidfd_send_signal", self.send, raising=False)
        monkeypatch.setattr(os, "kill", self.kill)
        self.give_away()

    def give_away(self) -> None:
        """The pid is another process from now on."""
        self.generation += 1
        self.become()

    def become(self, **facts: Any) -> None:
        """The process stays, and something about it is another."""
        self.proc.add(PID, start=100 + self.generation, **facts)
        (self.proc.root / str(PID) / "status").write_text(STATUS)

    def end(self) -> None:
        self.generation += 1
        self.proc.remove(PID)

    def pidfd_open(self, pid: int) -> int:
        handle = os.open(os.devnull, os.O_RDONLY)
        if pid == PID:
            self.before_pin()
            if not (self.proc.root / str(PID)).exists():
                os.close(handle)
                raise ProcessLookupError
            self.pinned[handle] = self.generation
            self.after_pin()
        return handle

    def send(self, handle: int, number: int) -> None:
        self.before_send()
        if self.pinned[handle] != self.generation:
            raise ProcessLookupError
        self.kill(PID, number)

    def kill(self, pid: int, number: int) -> None:
        if self.denies:
            raise PermissionError
        self.hit.append((self.generation, number))


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    before = len(os.listdir("/proc/self/fd"))
    yield Kernel(FakeProc(tmp_path / "proc"), monkeypatch)
    monkeypatch.undo()
    assert len(os.listdir("/proc/self/fd")) == before, "a pidfd was left open"


class Subject:
    def __init__(self, kernel: Kernel) -> None:
        self.table = Table(str(kernel.proc.root), "h", "local/host")
        self.signals = Signals(str(kernel.proc.root), "local/host", self.table.key, 5.0)
        self.row: Process = next(iter(self.table.look().values()))

    async def offer(self, title: str = "SIGTERM") -> Action:
        return next(action for action in await self.signals.actions(self.row) if action.title == title)

    async def send(self, action: Action, permit: Permit | None = None) -> None:
        try:
            await self.signals.perform(action, permit or Permit(action), lambda text: None)
        finally:
            self.signals.close()


async def test_the_one_that_was_meant_is_hit(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    await subject.send(await subject.offer())
    assert kernel.hit == [(1, signal.SIGTERM)]


async def test_reused_before_it_is_pinned(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    kernel.before_pin = kernel.give_away
    with pytest.raises(Refused, match="another process by now"):
        await subject.send(action)
    assert kernel.hit == []


async def test_reused_between_the_pin_and_the_look(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    kernel.after_pin = kernel.give_away
    with pytest.raises(Refused, match="another process by now"):
        await subject.send(action)
    assert kernel.hit == []


async def test_reused_after_the_look(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    kernel.before_send = kernel.give_away
    with pytest.raises(NotFound, match="no such process"):
        await subject.send(action)
    assert kernel.hit == []


async def test_gone_at_any_moment(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    kernel.after_pin = kernel.end
    with pytest.raises(NotFound, match="no such process: pid 4242"):
        await subject.send(action)
    with pytest.raises(NotFound, match="no such process: pid 4242"):
        await subject.send(action)
    with pytest.raises(NotFound, match="no such process"):
        await subject.offer()
    assert kernel.hit == []


async def test_another_boot_is_another_process(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    boot = kernel.proc.root / "sys/kernel/random/boot_id"
    await asyncio.to_thread(boot.write_text, "11111111-0000\n")
    rebooted = await asyncio.to_thread(Subject, kernel)
    with pytest.raises(Refused, match="another process by now"):
        await rebooted.send(action)
    assert kernel.hit == []


async def test_without_a_permit_for_it_nothing_is_sent(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action, other = await subject.offer(), await subject.offer("SIGKILL")
    with pytest.raises(Refused, match="another action"):
        await subject.send(action, Permit(other))
    spent = Permit(action)
    await subject.send(action, spent)
    with pytest.raises(Refused, match="used before"):
        await subject.send(action, spent)
    assert len(kernel.hit) == 1


async def test_without_pidfds_the_look_is_the_last_thing_before(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", none, raising=False)
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    assert action.call == f"kill -TERM {PID}, without a pidfd: its start time is read just before"
    await subject.send(action)
    assert kernel.hit == [(1, signal.SIGTERM)]
    await asyncio.to_thread(kernel.give_away)
    with pytest.raises(Refused, match="another process by now"):
        await subject.send(action)
    assert len(kernel.hit) == 1


async def test_without_pidfds_its_end_is_seen_in_proc(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals_module, "can_pin", lambda: False)
    monkeypatch.setattr(signals_module, "pin", lambda pid: None)
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    await subject.signals.perform(action, Permit(action), lambda text: None)
    await asyncio.to_thread(kernel.end)
    outcome = await subject.signals.look(action, lambda text: None)
    assert outcome.end is End.DONE
    assert outcome.text.startswith("gone after 0.")


async def test_looked_for_again_later(kernel: Kernel) -> None:
    """After an unknown outcome nothing is pinned any more: /proc alone tells."""
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    still = await subject.signals.look(action, lambda text: None)
    assert (still.end, still.text) == (
        End.FAILED,
        "still there: it does not handle SIGTERM, which ends it",
    )
    await asyncio.to_thread(kernel.give_away)
    assert (await subject.signals.look(action, lambda text: None)).text == "gone"


async def test_a_denial_names_the_owner(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    kernel.denies = True
    with pytest.raises(Denied, match="belongs to root, midwatch runs as "):
        await subject.send(action)


async def test_where_no_thread_is_free_nothing_was_begun(kernel: Kernel) -> None:
    """So the outcome is known: refused, not unknown."""
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    subject.signals._threads = Threads("signals", 0)
    with pytest.raises(Refused, match="have not returned"):
        await subject.send(action)
    assert kernel.hit == []


async def test_what_comes_after_nobody_waits_any_more_is_not_sent(kernel: Kernel) -> None:
    """The kernel held the thread for longer than the door waits: unknown must not become a late kill."""
    subject = await asyncio.to_thread(Subject, kernel)
    action = await subject.offer()
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        leave.wait(10)

    kernel.after_pin = hold
    sending = asyncio.create_task(subject.send(action))
    await asyncio.to_thread(held.wait, 10)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    leave.set()
    async with asyncio.timeout(10):
        while subject.signals._threads._busy:
            await asyncio.sleep(0.01)
    assert kernel.hit == []


async def test_a_thread_of_the_kernel_and_a_zombie_are_blocked(kernel: Kernel) -> None:
    subject = await asyncio.to_thread(Subject, kernel)
    await asyncio.to_thread(kernel.become, kernel=True)
    action = await subject.offer()
    assert action.blocked == "it is a thread of the kernel"
    with pytest.raises(Refused, match="thread of the kernel"):
        await subject.send(action)
    await asyncio.to_thread(kernel.become, state="Z", ppid=77)
    await asyncio.to_thread(kernel.proc.add, 77, b"parent")
    assert "a zombie until parent (77) collects it" in (await subject.offer()).blocked
    with pytest.raises(Refused, match="zombie"):
        await subject.send(action)
    assert kernel.hit == []
