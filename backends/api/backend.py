"""Backend: what every backend is, whatever it can do. What it can do is in `capabilities`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from backends.api.nouns import Row
from backends.api.settings import Settings
from backends.masking import mask_url

TIMEOUT = 5.0
"""Seconds that one source may take to answer where nobody says otherwise."""


class Found(Struct, frozen=True):
    """One place where a system's own tools would look, and what was there.

    `tried` names the place and why it was tried ("127.0.0.1:2379, etcd's default"). `settings` is what to
    connect with; None where nothing listens at a default place, which is no source, only a line of `doctor`. What
    was set on purpose is a source even when it does not answer: its settings are given without a look at it.
    """

    tried: str
    settings: Settings | None
    reason: str = ""


class Check(Struct, frozen=True):
    """One thing that `doctor` tried: `where` (an address, a file), whether it answered, the round trip in
    milliseconds, and in words what was found or why not and what to do."""

    where: str
    ok: bool
    text: str
    latency_ms: float | None = None
    hint: str = ""


class Backend:
    """One system that midwatch looks at. Subclass it together with the abilities in `capabilities`.

    Made without touching the outside: connecting waits for the first feed or call. Importing a backend's
    module imports no client library either; that happens at its first use, in a thread where it is slow.
    A backend object lives on one event loop and is closed once.
    """

    kind: ClassVar[str]
    """The configuration's word for it ("etcd")."""
    Settings: ClassVar[type[Settings]]
    example: ClassVar[str] = ""
    """Its table in the file that `config init` writes, in the context `lab`. Where every line of it begins with
    `#`, it is there to be made use of, else it is in use."""
    context = ""
    """The name of the context that it belongs to, told by its Watch: what is kept on disk is kept by context."""

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        """`name` is the configuration's name of this one; `timeout` seconds is how long a single call to the
        server may take at most (feeds have limits of their own)."""
        self.name = name
        self.settings = settings
        self.timeout = timeout

    @classmethod
    def preload(cls) -> None:
        """Import the client library; blocks. Without it that happens at the first use, in a thread."""

    @property
    def source(self) -> str:
        """What this backend's rows and readings are labelled with: `kind/name`."""
        return f"{self.kind}/{self.name}"

    @property
    def where(self) -> str:
        """What the settings say to look at (addresses, files), for a sentence about trouble; empty where it
        is nothing in particular. No password is in it. Settings of other names: say it yourself."""
        for name in ("endpoints", "hosts", "url", "paths", "files", "file", "directory"):
            value = getattr(self.settings, name, None)
            if value:
                return mask_url(value if isinstance(value, str) else ", ".join(map(str, value)))
        return ""

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        """Look where this system's own tools look, without any configuration; at most `timeout` seconds."""
        return ()

    async def check(self) -> tuple[Check, ...]:
        """Try everything that the settings name, for `doctor`. Never raises: a failure is a Check."""
        return ()

    def ask(self, row: Row) -> tuple[str, ...] | None:
        """The command (an argv list) by which the system's own tool shows the same; people copy it."""
        return None

    async def raw(self, row: Row) -> str:
        """What the system itself says about a row, as text, fetched now.

        Raises `BackendError` (`NotFound` where it is gone).
        """
        return repr(row)

    async def close(self) -> None:
        """Let go of connections and threads. Never raises, and never waits for the server."""
