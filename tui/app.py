"""The app: one Textual screen with a masthead, the view in front, and a line for keys and commands.

It begins and ends, and answers what every view may ask. What a key does is told by the view in front, or by
`everywhere`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult

from backends.api.backend import TIMEOUT
from backends.api.clock import Clock, LoopClock
from backends.config.context import Context
from backends.threads import leave_threads_behind
from backends.watch import Watch
from tui.bridge import Bridge
from tui.commands import Command, key_of
from tui.contexts import Contexts
from tui.everywhere import Everywhere
from tui.first_paint import FirstPaint
from tui.footer import Footer
from tui.front import Front
from tui.key_queue import KeyQueue
from tui.keys import Keys
from tui.leaving import AGAIN, Holds, Leaving
from tui.masthead import Masthead
from tui.screens.base import Job, View
from tui.terminal import ENDING, in_a_job, stop_job
from tui.ways import Ways
from widgets.freshness import NO_SOURCE
from widgets.look import Look
from widgets.private.app import QuietApp

if TYPE_CHECKING:
    from backends.changes.door import Door
    from tui.acting import ActionFlow
    from tui.screens.metrics.dashboards import Dashboards
    from widgets.dialog import Dialog

log = logging.getLogger("midwatch.app")

READ = 3.0
"""Seconds for which what became of an action stays, whatever is pressed."""


class MidwatchApp(QuietApp):
    """The dashboard over one of several contexts. `first` is the one to open, or None to let `discover` find
    one; `command` is a `:` line to begin with."""

    CSS: ClassVar[str] = """
    Screen { layout: vertical; overflow: hidden; }
    Screen { layers: base dialog; }
    #front { height: 1fr; }
    """

    def __init__(
        self,
        contexts: Mapping[str, Context],
        first: Context | None,
        *,
        discover: Callable[[], Awaitable[Context]] | None = None,
        command: str = "",
        timeout: float = TIMEOUT,
        log_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self._clock = clock or LoopClock()
        self.contexts = Contexts(contexts, first, discover=discover, timeout=timeout, clock=self._clock)
        self.keys = Keys(self)
        self.masthead = Masthead(self.tick)
        self.footer = Footer()
        self.front = Front(self.tick)
        self.ways = Ways(self.front, self.say)
        self.first_paint = FirstPaint(self, self.tick, self._go_on)
        self.key_queue = KeyQueue(self.keys, self.say, self.first_paint.let_go)
        self.everywhere = Everywhere(self, log_file)
        self.leaving = Leaving(lambda code: self.exit(return_code=code), self._say_while, self._clock.monotonic)
        self._flow: ActionFlow | None = None
        self._first_command = command

    # Opening

    def compose(self) -> ComposeResult:
        yield self.masthead
        with self.front:
            yield self.view
        yield self.footer

    def on_mount(self) -> None:
        leave_threads_behind()
        self.tick()
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self.exit, None, 128 + number)
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())
        self.set_interval(1.0, self.tick)
        self.first_paint.hold()
        self.call_later(self.key_queue.begin)
        self.work(self._begin())

    async def _begin(self) -> None:
        await self.open_context(await self.contexts.first())
        if self._first_command:
            self.keys.run_line(self._first_command)

    async def open_context(self, context: Context) -> None:
        if self._flow is not None:
            self._flow.forget()
        if self.bridge is not None:
            self.view.detach()
        left = self.contexts.turn(context, hold=self.first_paint.holding and not self._first_command)
        if left.was_armed:
            self.say(f"{left.was_armed} is armed no more: it was left")
        self.view.attach()
        self.tick()
        await self.contexts.leave(left)

    def _go_on(self) -> None:
        if self.watching is not None:
            self.watching.go_on()

    async def on_unmount(self) -> None:
        await self.contexts.close()

    # What views ask

    @property
    def view(self) -> View:
        return self.front.view

    @property
    def context(self) -> Context:
        return self.contexts.now

    @property
    def watching(self) -> Watch | None:
        return self.contexts.watching

    @property
    def bridge(self) -> Bridge | None:
        return self.contexts.bridge

    @property
    def dashboards(self) -> Dashboards | None:
        return self.contexts.dashboards

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def ready(self) -> bool:
        """Whether the context is open: before that, nothing is known of what it has."""
        return self.watching is not None

    @property
    def without_source(self) -> tuple[str, Look]:
        return NO_SOURCE if self.ready else ("LOADING", Look.DIM)

    @property
    def flow(self) -> ActionFlow:
        """The way to the door; made when somebody first wants to change something."""
        if self._flow is None:
            from tui.acting import ActionFlow

            self._flow = ActionFlow(self)
            self.mount(self._flow.dialog)
        return self._flow

    @property
    def dialog(self) -> Dialog | None:
        return None if self._flow is None else self._flow.dialog

    @property
    def asking(self) -> bool:
        return self.dialog is not None and self.dialog.open

    @property
    def door(self) -> Door | None:
        return self.contexts.doors.now

    async def open_door(self) -> Door | None:
        return await self.contexts.open_door()

    def work(self, job: Job, group: str = "default") -> None:
        self.run_worker(job, exclusive=group != "default", group=group, exit_on_error=False)

    def say(self, text: str) -> None:
        """One line, which stays until the next key."""
        self.footer.say(text)

    def _say_while(self, text: str, holds: Holds) -> None:
        """One line that tells what the next key would do: not a second longer than it would."""
        self.footer.say(text, holds=holds)
        self.set_timer(AGAIN, self._tell_footer)

    def report(self, text: str) -> None:
        """One line that keys do not take away before it can have been read."""
        self.footer.say(text, at_least=READ)

    def hush(self) -> None:
        self.footer.hush()
        self._tell_footer()

    def prompt_changed(self) -> None:
        self._tell_footer()

    def on_dialog_changed(self) -> None:
        self._tell_footer()

    def _tell_footer(self) -> None:
        keys = "" if self.dialog is None else self.dialog.keys
        self.footer.tell(self.view, self.keys.prompt, self.offers, keys)

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            event.stop()
            self.key_queue.typed(event)
        else:
            await super().on_event(event)

    def tick(self) -> None:
        """Once a second: what changes only because time passes."""
        readings = {} if self.bridge is None else self.bridge.readings()
        charts = [] if self.bridge is None else self.bridge.charts()
        broken = () if self.watching is None else self.watching.broken
        armed = None if self.door is None else self.door.arming.left
        self.footer.armed = armed is not None
        self.masthead.tell(
            self.context,
            readings,
            broken,
            charts,
            ready=self.ready,
            armed=armed,
            held=len(self.contexts.doors.unwritten),
            missed=self.contexts.missed,
            clock=self._clock,
        )
        if self._flow is not None:
            self._flow.tick()
        self._tell_footer()
        if not self.contexts.frozen:
            self.view.tick()

    def is_free(self) -> bool:
        """Whether no action is under way; else that is said."""
        return self._flow is None or self._flow.is_free()

    def offers(self, command: Command) -> bool:
        """Whether a command means something in this context's mode."""
        return not (command.acts and self.context.read_only)

    # Away

    def leave(self) -> None:
        """At once, unless something goes on that was begun here."""
        self.leaving.wish(lambda: self._going_on)

    def leave_by_key(self) -> None:
        """`q` where there is nothing to go back to, which may be one too many: nor while the context is armed."""

        def goes_on() -> str:
            armed = self.door is not None and self.door.arming.left is not None
            return self._going_on or (f"armed; {key_of('up')} again within {AGAIN:g} s quits" if armed else "")

        self.leaving.wish(goes_on)

    @property
    def _going_on(self) -> str:
        """An action or a run, with what leaving means for it; "" where there is none."""
        flow = self._flow
        if flow is not None and flow.under_way:
            return f"{flow.under_way} has not ended yet; again within {AGAIN:g} s leaves it to itself"
        run = "" if flow is None else flow.deploys.begun.going_on(self.watching)
        return f"{run}, and goes on without us; again within {AGAIN:g} s quits" if run else ""

    def interrupt(self) -> None:
        """ctrl+c: end what runs; the second within two seconds quits."""
        self.leaving.interrupt(self._cancel)

    def _cancel(self) -> bool:
        if self.view.cancel():
            return True
        self.workers.cancel_group(self, "raw")
        return False

    def to_shell(self) -> None:
        if in_a_job():
            with self.suspend():
                stop_job()
        else:
            self.say("no shell to go to: midwatch was not started from one with job control")
