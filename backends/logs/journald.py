"""The journal of systemd, through `journalctl` (journalctl(1), systemd.journal-fields(7)).

A child process follows, and is not believed when it says nothing: after two seconds of silence the journal's
files are looked at, and where they were written to, another one is asked whether anything stands after the last
entry. So a quiet journal is live, a follower that is stuck (stopped, or on a file that was rotated away) is
replaced as soon as it misses something, and where journalctl does not answer the feed goes stale.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import shutil
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backends.api.backend import TIMEOUT, Backend, Check, Found
from backends.api.capabilities import Logs
from backends.api.errors import BackendError, TimedOut
from backends.api.logs import Beside, Level, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.logs import journal_entry
from backends.logs.journal_stream import JournalReader, Place, place_beside
from backends.logs.journal_touch import JOURNALS, Touch
from backends.logs.journalctl import GROUP_HINT, MISSING_HINT, Run, running
from backends.logs.serial_calls import Lane

if TYPE_CHECKING:
    from backends.logs.formats import Formats

TAIL_LINES = 1_000
"""Entries from the end that are shown when it is opened to be followed."""
SOON = 0.3
"""Seconds of silence after which a new follower is taken to have told what was there."""
PROVE = 2.0
"""Seconds of silence after which the journal is looked at."""
LATE = 1.0
"""Seconds that a follower has to tell an entry that the other one has seen; journald wakes its readers at most
four times a second."""
WORDS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
COMPLAINTS = 200
"""Different complaints of journalctl's that are told, each once."""
HIDDEN = "not seeing messages from other users"
"""What journalctl says to somebody outside the groups that may read the whole journal."""


class JournaldSettings(Settings, frozen=True):
    """Which entries, in journalctl's own words.

    `units`: names and globs (`--unit`), all without it. `files`: paths and globs instead of this host's journal
    (`--file`). `priority`: this one and worse (`--priority`): a word, 0 to 7, or a range. `boot`: true for this
    boot, or a boot's id or offset (`--boot`). `program`: which journalctl, where it is not the one on PATH.
    """

    units: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    priority: str | int | None = None
    boot: str | bool = False
    program: str = "journalctl"

    def __post_init__(self) -> None:
        words = () if self.priority is None else str(self.priority).split("..", 1)
        if not all(word in WORDS or word in map(str, range(8)) for word in words):
            raise ValueError(f"Expected one of {', '.join(WORDS)}, or 0 to 7")


class Journald(Backend, Logs):
    """One journal. A record is an entry's line of JSON, as journalctl gave it; its origin is the container, the
    unit, or whoever wrote it."""

    kind: ClassVar[str] = "journald"
    Settings: ClassVar[type[Settings]] = JournaldSettings
    example: ClassVar[str] = """\
# [context.lab.journald.main]
# units = ["nginx.service"]                 # all without it
"""

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._told: set[str] = set()
        self._stats = Lane("journal")

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        return (await asyncio.to_thread(_discover, env),)

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        """Follow from the last `TAIL_LINES` entries on, or from `last.cursor`.

        Where the journal no longer holds the entry of the cursor, a note says that some may be missing.
        """
        place = last.cursor if last is not None and isinstance(last.cursor, Place) else None
        following = ("--follow", *await asyncio.to_thread(self._of_every_boot))
        touch = Touch(self._files)
        while True:
            begin = (f"--lines={TAIL_LINES}",) if place is None else place.arguments()
            async with self._run(*begin, *following) as run:
                reader = JournalReader(place or Place())
                patience, late = SOON, False
                while (data := await run.read(patience)) is not None or not late:
                    if data == b"":
                        raise await run.why()
                    if data is not None:
                        blocks, notes = reader.take(data)
                        late, patience = False, PROVE
                        if blocks or notes:
                            yield Seen(LogBatch(blocks, reader.place, (*notes, *self._complaints(run))))
                    elif await self._goes_on(reader.place, touch):
                        late, patience = True, LATE
                    else:
                        patience, said = PROVE, self._complaints(run)
                        yield Seen(LogBatch((), reader.place, said), None if said else frozenset())
                        if place is None and not reader.place.cursor:
                            # It would take its last lines once there are some, and leave out those before.
                            break
                place = reader.place

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        """Every entry, those from a time on, or those beside a block, in the journal's own order; then it ends.
        Raises `TimedOut` where journalctl says nothing for as long as a call may take."""
        place = Place(since=0.0 if since is None else since.timestamp())
        back = beside is not None and beside.back
        known = beside is not None and (beside.back or beside.block is not None)
        reader = JournalReader(place_beside(beside) if beside is not None and known else place, back=back)
        async with self._run(*reader.place.arguments(back=back)) as run:
            while data := await run.read(self.timeout):
                blocks, notes = reader.take(data)
                yield LogBatch(blocks, reader.place, notes)
            with self._in_time():
                if data is None:
                    raise TimeoutError
                async with asyncio.timeout(self.timeout):
                    await run.succeeded()
            yield LogBatch((), reader.place, self._complaints(run))

    @cached_property
    def _formats(self) -> Formats:
        # Imported with the first line that is looked at: a start has a dozen sources, and no line yet.
        from backends.logs.formats import Formats

        return Formats(self.source)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        entry = journal_entry.read(raw)
        if entry is None:
            return self._formats.parse(raw, origin)
        message = journal_entry.text(entry.message)
        level = entry.level
        if level in (None, Level.INFO) and entry.is_output:
            # What a service prints gets one priority for all; what the line itself says is truer.
            level = self._formats.parse(message.encode("utf-8", "replace"), origin).level or level
        return LogRecord(self.source, raw, message, entry.time, level, self.kind, entry.fields())

    def shown(self, data: bytes) -> bytes:
        """Like `journalctl -o short-iso`, an entry a line."""
        return b"\n".join(map(journal_entry.shown, data.split(b"\n")))

    async def check(self) -> tuple[Check, ...]:
        where = self.where or "the journal of this host"
        started = time.monotonic()
        reader = JournalReader(Place())
        try:
            async with asyncio.timeout(self.timeout), self._run("--lines=1") as run:
                raws = [block.data for block in await _blocks(run, reader)]
        except TimeoutError:
            return (Check(where, False, f"no answer from journalctl within {self.timeout:g} s"),)
        except BackendError as error:
            return (Check(error.where or where, False, error.reason, hint=error.hint),)
        spent = (time.monotonic() - started) * 1000
        if any(HIDDEN in said for said in run.complaints):
            return (Check(where, False, "only this user's own entries may be read", spent, GROUP_HINT),)
        newest = self.parse(raws[-1], "").time if raws else None
        if newest is None:
            text = next(iter(run.complaints), "") or "no entry"
        else:
            text = f"newest entry of {newest.astimezone():%Y-%m-%d %H:%M:%S}"
        return (Check(where, True, text, spent),)

    def _chosen(self) -> tuple[str, ...]:
        settings = self.settings
        chosen = [f"--file={path}" for path in settings.files] + [f"--unit={unit}" for unit in settings.units]
        if settings.priority is not None:
            chosen.append(f"--priority={settings.priority}")
        if settings.boot:
            chosen.append("--boot" if settings.boot is True else f"--boot={settings.boot}")
        return tuple(chosen)

    def _of_every_boot(self) -> tuple[str, ...]:
        """`--follow` alone shows the last boot only, whatever the cursor, and fails where there is none yet
        (systemd 252); `--merge` lifts that, and would take in other machines' journals too. Reads a file."""
        if self.settings.boot:
            return ()
        machine = ""
        if not self.settings.files:
            with contextlib.suppress(OSError):
                machine = Path("/etc/machine-id").read_text().strip()
        return ("--merge", f"_MACHINE_ID={machine}") if machine else ("--merge",)

    def _run(self, *words: str) -> AbstractAsyncContextManager[Run]:
        fields = ",".join(journal_entry.FIELDS)
        form = ("--output=json", "--all", "--no-pager", f"--output-fields={fields}")
        return running((self.settings.program, *form, *self._chosen(), *words), self.where)

    @property
    def _files(self) -> tuple[str, ...]:
        """Those that journalctl reads; none where some other program may read them elsewhere."""
        own = self.settings.program == JournaldSettings().program
        return self.settings.files or (JOURNALS if own else ())

    async def _goes_on(self, place: Place, touch: Touch) -> bool:
        """Whether there is an entry after a place: where the files were touched, by another journalctl."""
        with self._in_time():
            async with asyncio.timeout(self.timeout):
                if await self._stats.run(touch.untouched):
                    return False
                async with self._run(*place.arguments()) as run:
                    more = bool(await _blocks(run, JournalReader(place)))
        if not more:
            touch.proved()
        return more

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise TimedOut(f"no answer from journalctl within {self.timeout:g} s", where=self.where) from None

    def _complaints(self, run: Run) -> tuple[str, ...]:
        """What journalctl has said that it did not say before."""
        fresh = []
        while run.complaints:
            said = run.complaints.popleft()
            if said not in self._told and len(self._told) < COMPLAINTS:
                self._told.add(said)
                fresh.append(f"{said}; {GROUP_HINT}" if HIDDEN in said else said)
        return tuple(fresh)


async def _blocks(run: Run, reader: JournalReader) -> list[LogBlock]:
    """The first entries that a journalctl tells which does not follow; none where it has none."""
    while data := await run.read():
        blocks, _ = reader.take(data)
        if blocks:
            return list(blocks)
    await run.succeeded()
    return []


def _discover(env: Mapping[str, str]) -> Found:
    tried = " ".join(os.path.dirname(os.path.dirname(item)) for item in JOURNALS)
    found = [path for item in JOURNALS for path in glob.glob(item)]
    if not found:
        return Found(tried, None, "no journal")
    if shutil.which("journalctl", path=env.get("PATH", os.defpath)) is None:
        return Found(tried, None, f"a journal, and no journalctl on PATH; {MISSING_HINT}")
    if not any(os.access(path, os.R_OK) for path in found):
        return Found(tried, None, f"a journal that this user may not read; {GROUP_HINT}")
    return Found(tried, JournaldSettings())
