"""From the command line to the dashboard: a first frame before anything slow is imported, then the app."""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from backends.api.registry import load
from backends.clean import clean
from backends.config import Config, ConfigError, choose_context
from backends.config_file import load_config, read_only_wanted
from backends.context import Context
from tui.log import start_log
from tui.terminal import Terminal, end_in_order, leave_now, watch_hangup
from tui.typed_ahead import TypedAhead

SGR = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "white": 37}


def dashboard(options: argparse.Namespace) -> int:
    """Open the dashboard and return its exit code, with the terminal as it was before."""
    try:
        config = load_config(options.config, os.environ, read_only=options.read_only)
        context = choose_context(config, options.context, os.environ)
    except ConfigError as error:
        sys.stderr.write(clean(str(error)) + "\n")
        return 2
    # What is imported and made until the first frame stays: looking through it again and again for garbage would
    # take a twentieth of the start. The app turns it on again.
    gc.disable()
    terminal = Terminal()
    end_in_order()
    crash: BaseException | None = None
    log_file: Path | None = None
    status = 1
    unwritten: tuple[str, ...] = ()
    try:
        terminal.take(skeleton(context, shutil.get_terminal_size()))
        typed = TypedAhead(sys.stdin.fileno())
        log_file = start_log(os.environ)
        status, crash, unwritten = _run(options, config, context, log_file, typed)
    except KeyboardInterrupt:
        status = 130
    finally:
        terminal.give_back()
    for line in unwritten:
        sys.stderr.write(clean(f"midwatch: in no audit: {line}") + "\n")
    if crash is not None:
        ended = f"midwatch ended on a bug of its own ({type(crash).__name__}); {log_file} has the rest"
        sys.stderr.write(clean(ended) + "\n")
    return status


def _run(
    options: argparse.Namespace,
    config: Config,
    context: Context | None,
    log_file: Path | None,
    typed: TypedAhead,
) -> tuple[int, BaseException | None, tuple[str, ...]]:
    """The exit code, what it ended on if that was a bug, and the lines that no audit has taken."""
    # How often Textual may paint at most: we paint rarely, and then a key or a first row should not wait.
    os.environ.setdefault("TEXTUAL_FPS", "1000")
    from tui.app import MidwatchApp
    from widgets.private import own_output, quick_quit, repaint_cells_only

    quick_quit()
    own_output()
    repaint_cells_only()
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
    return app.return_code or 0, app.crash, app.doors.unwritten


def _discovery(*, read_only: bool) -> Callable[[], Awaitable[Context]]:
    from backends.discovery import discover

    return partial(discover, os.environ, read_only=read_only)


def preload(context: Context) -> None:
    """Import what the first source needs, while the skeleton stands: in a thread, beside the dashboard's own
    start, it would take twice as long. The others' turn comes when they are looked at."""
    for source in context.sources[:1]:
        with suppress(Exception):
            load(source.kind).preload()  # What is wrong with it is told where the source is shown.


def skeleton(context: Context | None, size: os.terminal_size) -> list[str]:
    """The first frame: context, mode, and each source, which is loading. The app draws over it."""
    name = "default" if context is None else context.name
    mode = "guarded" if context is None else context.mode
    colour = SGR.get("cyan" if context is None else context.paint, 36)
    bar = clean(f" midwatch  {name}  {mode}")[: size.columns].ljust(size.columns)
    if context is None:
        sources = ["looking for sources …"]
    else:
        sources = [clean(f"{source.source}  loading") for source in context.sources]
    lines = [f"\x1b[7;{colour}m{bar}\x1b[0m", ""]
    return lines + [f"  \x1b[2m{text[: size.columns - 2]}\x1b[0m" for text in sources[: size.lines - 3]]
