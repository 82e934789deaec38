"""From the command line to the dashboard: a first frame before anything slow is imported, then the app."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from backends.clean import clean
from backends.config.file import load_config, read_only_wanted
from tui.first_frame import first_frame, glance
from tui.terminal import Terminal, leave_now, watch_hangup
from tui.typed_at_start import TypedAtStart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from backends.config.configuration import Config
    from backends.config.context import Context


class _Exit(NamedTuple):
    """The exit code, and what is to be said once the terminal is as it was before."""

    status: int
    said: tuple[str, ...] = ()


def dashboard(options: argparse.Namespace) -> int:
    """Open the dashboard and return its exit code, with the terminal as it was before."""
    terminal = Terminal()
    terminal.end_in_order()
    try:
        read_only = read_only_wanted(options.read_only, os.environ)
        seen = glance(options.config, options.context, os.environ, read_only=read_only)
        terminal.take(first_frame(seen, terminal.size))
        ended = _open(options, TypedAtStart(sys.stdin.fileno()))
    except KeyboardInterrupt:
        ended = _Exit(130)
    finally:
        terminal.give_back()
    for line in ended.said:
        sys.stderr.write(clean(line) + "\n")
    return ended.status


def _open(options: argparse.Namespace, typed: TypedAtStart) -> _Exit:
    # What is imported and made until the first frame stays: looking through it again and again for garbage would
    # take a twentieth of the start. The app turns it on again.
    gc.disable()
    from backends.config.configuration import ConfigError, choose_context

    try:
        config = load_config(options.config, os.environ, read_only=options.read_only)
        context = choose_context(config, options.context, os.environ)
    except ConfigError as error:
        return _Exit(2, (str(error),))
    return _run(options, config, context, typed)


def _run(options: argparse.Namespace, config: Config, context: Context | None, typed: TypedAtStart) -> _Exit:
    from tui.own_log import start_log

    log_file = start_log(os.environ)
    # How often Textual may paint at most: we paint rarely, and then a key or a first row should not wait.
    os.environ.setdefault("TEXTUAL_FPS", "1000")
    from tui.app import MidwatchApp
    from widgets.private.app import repaint_cells_only
    from widgets.private.caches import remember_less
    from widgets.private.driver import own_output

    own_output()
    repaint_cells_only()
    remember_less()
    if context is not None:
        preload(context)
    # Key answers stay quick beside a busy thread; measured in the house's notes on Textual.
    sys.setswitchinterval(0.001)
    read_only = read_only_wanted(options.read_only, os.environ)
    app = MidwatchApp(
        config.contexts,
        context,
        discover=None if context is not None else _discovery(read_only=read_only),
        command=options.command or "",
        timeout=options.timeout,
        log_file=log_file,
    )
    app.typed_ahead = typed.take
    watch_hangup(lambda: leave_now(129))
    app.run(mouse=not options.no_mouse)
    # Python would look once more through all that the dashboard held before it gives the prompt back.
    gc.freeze()
    said = [f"midwatch: in no audit: {line}" for line in app.contexts.doors.unwritten]
    if app.crash is not None:
        said.append(f"midwatch ended on a bug of its own ({type(app.crash).__name__}); {log_file} has the rest")
    return _Exit(app.return_code or 0, tuple(said))


def _discovery(*, read_only: bool) -> Callable[[], Awaitable[Context]]:
    from functools import partial

    from backends.config.discovery import discover

    return partial(discover, os.environ, read_only=read_only)


def preload(context: Context) -> None:
    """Import what the first source needs, while the first frame stands: in a thread, beside the dashboard's own
    start, it would take twice as long. The others' turn comes when they are looked at."""
    from contextlib import suppress

    from backends.api.registry import load

    for source in context.sources[:1]:
        with suppress(Exception):
            load(source.kind).preload()  # What is wrong with it is told where the source is shown.
