"""The one table of everything a person can do: keys, `:` words, footer hints and help all come from here.

`do` names a method of the screen in front, else of what all of them have, with fixed arguments after it; what was
typed after a `:` word is appended. A key means one thing on one screen; tests hold the table to both.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from tui.kinds.named import NAMED, Named

OVERVIEW, TABLE, LOGS, TEXT, METRICS, RUN = "overview", "table", "logs", "text", "metrics", "run"
DESCRIPTION = "description"
SCREENS = (OVERVIEW, TABLE, DESCRIPTION, LOGS, TEXT, METRICS, RUN)
NUMBERED = (OVERVIEW, TABLE, DESCRIPTION, TEXT, METRICS, RUN)
"""Where digits open screens; in logs they are time windows."""

HELP = "help"
"""Its hint is always there."""

ROW = (TABLE, DESCRIPTION)
"""Where one row of a kind is what is meant."""
SUPERVISED = tuple(kind.name for kind in NAMED if kind.supervised)
"""Kinds whose rows can be signalled and restarted, or lead to such."""


class Command(Struct, frozen=True):
    """One thing to do. `keys` are Textual's key names; `hint` is its word in the footer, most useful first in
    the table; `word` makes it typeable after `:`, and `takes` says what follows (`tui.completion` knows some)."""

    help: str
    do: str
    keys: tuple[str, ...] = ()
    on: tuple[str, ...] = SCREENS
    hint: str = ""
    word: str = ""
    aliases: tuple[str, ...] = ()
    takes: str = ""
    kinds: tuple[str, ...] = ()
    """Only for rows of these kinds; of all where it is empty."""
    acts: bool = False
    """Whether it leads to a change: in a read-only context it is neither offered nor done."""


def _c(help: str, do: str, keys: str = "", **more: str | bool | tuple[str, ...]) -> Command:
    return Command(help, do, tuple(keys.split()), **more)  # type: ignore[arg-type]


def _opening(kind: Named) -> Command:
    help = f"open {kind.name}" + (f": {kind.opens}" if kind.opens else "")
    return Command(
        help,
        f"show {kind.name}",
        tuple(kind.key),
        NUMBERED,
        word=kind.name,
        aliases=kind.aliases,
        takes="filter",
    )


_KINDS = [_opening(kind) for kind in NAMED]
_NUMBERED = (
    _c("open the overview: what is wrong, what changed", "show overview", "1", on=NUMBERED, word="overview"),
    _c("open metrics, on one of its pages", "show metrics", "4", on=NUMBERED, word="metrics", takes="page"),
    _c("open logs, of one source or of all", "open_logs", "5", on=NUMBERED, word="logs", takes="source"),
    *(kind for kind in _KINDS if kind.keys),
)
OPENING = (
    *sorted(_NUMBERED, key=lambda command: command.keys),
    _c("ask a metrics server a query of your own", "ask_query", word="query", takes="query"),
    *(kind for kind in _KINDS if not kind.keys),
    _c("switch to another context", "switch_context", word="context", aliases=("ctx",), takes="context"),
    _c("help for this screen", "show_help", "question_mark f1", hint=HELP, word="help"),
    _c("type a command; tab completes", "open_command", "colon ctrl+p", hint="command"),
)
SEARCHING = (
    _c("filter rows as you type", "open_search", "slash f3", on=(TABLE,), hint="filter"),
    _c("show only series whose name fits, as you type", "open_search", "slash f3", on=(METRICS,)),
    _c(
        "search; ⏎: the next match, else the one before; the newest while following",
        "open_search",
        "slash f3",
        on=(LOGS,),
        hint="search",
    ),
    _c("search", "open_search", "slash f3", on=(TEXT, DESCRIPTION), hint="search"),
)
LEAVING = (
    _c("clear, then close, then back to what led here; never further", "step_back", "escape"),
    _c(
        "up one level: close the detail, then to what led here, then to the overview, then quit; "
        "armed by a reason, twice",
        "up",
        "q",
        hint="back",
    ),
    _c("quit", "leave", word="q", aliases=("quit", "q!", "exit")),
    _c("cancel what runs; twice within 2 s quits", "interrupt", "ctrl+c"),
    _c("previous view", "previous", "minus"),
    _c("try unreachable sources again now", "refresh_now", "r ctrl+r", word="refresh"),
    _c("draw the screen anew", "redraw", "ctrl+l", word="redraw"),
    _c("freeze the screen; data keeps arriving and is counted", "freeze", "Z equals_sign", word="freeze"),
    _c("copy the row, or the marked rows", "copy", "c", word="copy"),
    _c("save what is shown to a file", "write", word="w", aliases=("write",), takes="file"),
    _c("midwatch's own log", "show_own_log", word="log"),
    _c("the audit: what was tried, by whom, how it ended", "show_audit", word="audit"),
    _c("to the shell; `fg` comes back", "to_shell", "ctrl+z"),
    _c(
        "deploy: which, with what, its plan, a question",
        "deploy",
        "D",
        word="deploy",
        takes="deploy",
        acts=True,
    ),
    _c('arm a guarded context: `:arm 15m "why"`', "arm", word="arm", takes="text", acts=True),
    _c("disarm it at once", "disarm", word="disarm", acts=True),
)
ANYWHERE = (*OPENING, *LEAVING)
MOVING = (
    _c("down", "move 1", "j down"),
    _c("up", "move -1", "k up"),
    _c("half a page down", "page 0.5", "ctrl+d"),
    _c("half a page up", "page -0.5", "ctrl+u"),
    _c("a page down", "page 1", "pagedown ctrl+f"),
    _c("a page up", "page -1", "pageup ctrl+b"),
    _c("to the first", "first", "g home"),
    _c("to the last", "last", "G end", on=(OVERVIEW, TABLE, DESCRIPTION, TEXT, RUN)),
    _c("to the newest line, and follow", "last", "G end", on=(LOGS,)),
)
ON_TABLES = (
    _c("open the thing itself", "open_row", "enter", on=(OVERVIEW,), hint="open"),
    _c(
        "show what a problem brought about below it, or fold that in again",
        "unfold",
        "d",
        on=(OVERVIEW,),
        hint="effects",
    ),
    _c(
        "open its detail; an event opens what it is about",
        "open_row",
        "enter",
        on=(TABLE,),
        hint="open",
    ),
    _c("its logs, around its time", "show_its_logs", "l", on=(OVERVIEW, *ROW), hint="logs"),
    _c("describe: everything known, and the command that shows the same", "describe", "d", on=(TABLE,)),
    _c("the raw record, fetched now from the system itself", "show_raw", "y", on=ROW, hint="raw"),
    _c("on to what belongs to it: unit, process, registration, output, target", "go_on", "o", on=ROW),
    _c(
        "what can be done to the row, or to the marked rows",
        "act",
        "x",
        on=(OVERVIEW, *ROW),
        hint="act",
        acts=True,
    ),
    _c("what can be done to it: to end it, while it runs", "act", "x", on=(RUN,), hint="act", acts=True),
    _c(
        "send it a signal: a menu, then a question",
        "act signal",
        "K f9 ctrl+k",
        on=ROW,
        kinds=SUPERVISED,
        acts=True,
    ),
    _c("restart it by its supervisor: a question first", "act restart", "R", on=ROW, kinds=SUPERVISED, acts=True),
    _c("sort by the next column", "sort_next 1", "greater_than_sign", on=(TABLE,), hint="sort"),
    _c("sort by the column before", "sort_next -1", "less_than_sign", on=(TABLE,)),
    _c("invert the sort", "invert", "I", on=(TABLE,)),
    _c("sort by name", "sort_by name command", "N", on=(TABLE,)),
    _c("sort by age", "sort_by age", "A", on=(TABLE,), kinds=("processes",)),
    _c("sort by state", "sort_by state", "S", on=(TABLE,)),
    _c("sort by cpu", "sort_by cpu", "P", on=(TABLE,), kinds=("processes",)),
    _c("sort by memory", "sort_by mem", "M", on=(TABLE,), kinds=("processes",)),
    _c("sort by cpu time", "sort_by time", "T", on=(TABLE,), kinds=("processes",)),
    _c("mark the row", "mark", "space", on=(TABLE,)),
    _c("mark from the last mark to here", "mark_range", "V", on=(TABLE,)),
    _c("unmark all", "unmark", "U", on=(TABLE,)),
)
ON_LOGS = (
    _c("follow the newest lines, or stop", "follow", "F s", on=(LOGS, RUN), hint="follow"),
    _c("a page down", "page 1", "space", on=(LOGS, TEXT, DESCRIPTION)),
    _c("next match", "next_match 1", "n", on=(LOGS, TEXT, DESCRIPTION)),
    _c("match before", "next_match -1", "N", on=(LOGS, TEXT, DESCRIPTION)),
    _c("next error", "next_error 1", "e", on=(LOGS,)),
    _c("error before", "next_error -1", "E", on=(LOGS,)),
    _c("to the next bar of the histogram", "next_bar 1", "right_curly_bracket", on=(LOGS,)),
    _c("to the bar before", "next_bar -1", "left_curly_bracket", on=(LOGS,)),
    _c("keep only matching lines; again to lift", "open_keep", "ampersand backslash f4", on=(LOGS,), hint="keep"),
    _c(
        "open the record: its fields, and its bytes as they came", "open_record", "enter", on=(LOGS,), hint="open"
    ),
    _c("the record's bytes as they came", "show_raw", "y", on=(LOGS,)),
    _c("all that is kept", "window 0", "0", on=(LOGS,)),
    _c("the last minute", "window 60 overview", "1", on=(LOGS,)),
    _c("the last 5 minutes", "window 300 members", "2", on=(LOGS,)),
    _c("the last 15 minutes", "window 900 processes", "3", on=(LOGS,)),
    _c("the last 30 minutes", "window 1800 metrics", "4", on=(LOGS,)),
    _c("the last hour", "window 3600", "5", on=(LOGS,)),
    _c("the last day", "window 86400 events", "6", on=(LOGS,)),
    _c("no window: says how to open units", "no_window 7 units", "7", on=(LOGS,)),
    _c("no window: says how to open targets", "no_window 8 targets", "8", on=(LOGS,)),
    _c("no window: says how to open alerts", "no_window 9 alerts", "9", on=(LOGS,)),
    _c("wrap long lines", "wrap", "w", on=(LOGS, TEXT, DESCRIPTION, RUN)),
    _c("show times in full, short, or not at all", "times", "t", on=(LOGS,)),
    _c("left and right in long lines", "shift -8", "left h", on=(LOGS, TEXT)),
    _c("right", "shift 8", "right l", on=(LOGS, TEXT)),
    _c("left and right in long lines", "shift -8", "left", on=(DESCRIPTION,)),
    _c("right", "shift 8", "right", on=(DESCRIPTION,)),
)
ON_METRICS = (
    _c("one chart with all the room, and back", "zoom_chart", "enter f", on=(METRICS,), hint="one"),
    _c("next page of charts", "next_page 1", "right_square_bracket", on=(METRICS,), hint="page"),
    _c("page before", "next_page -1", "left_square_bracket", on=(METRICS,)),
    _c("next chart", "next_chart 1", "tab", on=(METRICS,)),
    _c("chart before", "next_chart -1", "shift+tab", on=(METRICS,)),
    _c("the time cursor to the left, over all charts", "move_cursor -1", "left h", on=(METRICS,)),
    _c("the time cursor to the right", "move_cursor 1", "right l", on=(METRICS,)),
    _c("ten cells to the left", "move_cursor -10", "H", on=(METRICS,)),
    _c("ten cells to the right", "move_cursor 10", "L", on=(METRICS,)),
    _c("less time, around the cursor: 7d … 1h 30m 15m 5m", "zoom_time 1", "plus", on=(METRICS,), hint="time"),
    _c("more time", "zoom_time -1", "underscore", on=(METRICS,)),
    _c("so much time: 15m, 6h, 2d", "show_range", on=(METRICS,), word="range", takes="duration"),
    _c("earlier by half", "pan -0.5", "left_parenthesis", on=(METRICS,)),
    _c("later by half", "pan 0.5", "right_parenthesis", on=(METRICS,)),
    _c("the cursor onto the event before", "next_event -1", "left_curly_bracket", on=(METRICS,)),
    _c("the cursor onto the next event", "next_event 1", "right_curly_bracket", on=(METRICS,)),
    _c("back to now, without cursor", "live", "F G end", on=(METRICS,), hint="now"),
    _c("ask a query of your own", "ask_query", "e", on=(METRICS,), hint="query"),
    _c("edit the query of this chart", "edit_query", "E", on=(METRICS,)),
    _c("describe: the query and every series with its figures", "describe", "d", on=(METRICS,)),
)
COMMANDS: tuple[Command, ...] = (*OPENING, *SEARCHING, *LEAVING, *MOVING, *ON_TABLES, *ON_LOGS, *ON_METRICS)


def on_screen(screen: str, kind: str = "") -> Iterable[Command]:
    """The commands that mean something on a screen, and on the screen of one kind where that is a table."""
    return (c for c in COMMANDS if screen in c.on and (not c.kinds or kind in c.kinds))


def for_key(key: str, screen: str, kind: str = "") -> Command | None:
    return next((command for command in on_screen(screen, kind) if key in command.keys), None)


def for_other_kinds(key: str, screen: str) -> Command | None:
    """What a key does on this screen, where its rows are of another kind."""
    return next((command for command in COMMANDS if screen in command.on and key in command.keys), None)


def for_word(word: str) -> Command | None:
    """The command that is typed as `word`; a prefix will do where only one command begins with it."""
    typed = [c for c in COMMANDS if c.word]
    exact = next((c for c in typed if word == c.word or word in c.aliases), None)
    if exact is not None or not word:
        return exact
    begins = [c for c in typed if c.word.startswith(word)]
    return begins[0] if len(begins) == 1 else None


def key_of(do: str, screen: str = "") -> str:
    """The first key of what a sentence speaks of, as people write it: on a screen, where others have another one.
    Raises `KeyError` where no row with a key does just that."""
    for command in COMMANDS:
        if command.do == do and command.keys and screen in ("", *command.on):
            return key_glyph(command.keys[0])
    raise KeyError(f"{do} {screen}".strip())


def words() -> list[str]:
    return [command.word for command in COMMANDS if command.word]


KEY_GLYPHS = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "enter": "⏎",
    "escape": "esc",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "minus": "-",
    "equals_sign": "=",
    "ampersand": "&",
    "backslash": "\\",
    "plus": "+",
    "underscore": "_",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


def key_glyph(key: str) -> str:
    """A key as people write it."""
    if key in KEY_GLYPHS:
        return KEY_GLYPHS[key]
    return key.upper() if key.startswith("f") and key[1:].isdigit() else key
