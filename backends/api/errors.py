"""Why a source could not answer, as one tree.

    BackendError
    ├── Unreachable     no connection: refused, no route, no such socket, name not found
    │   ├── TimedOut    a connection or a call took longer than it may
    │   └── Silent      connected, and then not a word for longer than `quiet`
    ├── Denied          the server knows us and says no: password, certificate, permission
    ├── NotFound        no such key, unit, file or process
    ├── Conflict        it is no longer what it was when we looked
    ├── BadReply        an answer that makes no sense: wrong protocol, HTML instead of JSON
    ├── Misconfigured   our own settings are wrong; trying again will not help
    │   ├── WrongQuery  what the server says of a query that a person wrote
    │   └── TooLarge    an answer larger than may be taken; asking again will not make it smaller
    ├── Unsupported     this server, version or platform cannot do that
    ├── SourceEnded     a source that should run for ever merely ended: a bug in the backend
    └── BackendBug      any other exception that left a backend: a bug in the backend

Each backend maps its client's exceptions in one context manager of its own; whatever slips through becomes
`BackendBug` in the feed, and the rest of midwatch runs on.
"""

from __future__ import annotations


class BackendError(Exception):
    """A source could not answer.

    `reason` says in plain words what went wrong, `where` is the address, file or command that was tried
    (never with a password in it), `hint` what the reader can do about it.
    """

    word = "failed"
    """The one word that a table cell has room for."""

    def __init__(self, reason: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" if self.where else self.reason

    def __eq__(self, other: object) -> bool:
        """Equal when they tell the reader the same, so that a repeated failure repaints nothing."""
        if not isinstance(other, BackendError):
            return NotImplemented
        return (type(self), self.reason, self.where, self.hint) == (
            type(other),
            other.reason,
            other.where,
            other.hint,
        )

    def __hash__(self) -> int:
        return hash((type(self), self.reason, self.where, self.hint))


class Unreachable(BackendError):
    word = "unreachable"


class TimedOut(Unreachable):
    word = "timed out"


class Silent(Unreachable):
    word = "silent"


class Denied(BackendError):
    word = "denied"


class NotFound(BackendError):
    word = "not found"


class Conflict(BackendError):
    word = "conflict"


class BadReply(BackendError):
    word = "bad reply"


class Misconfigured(BackendError):
    word = "misconfigured"


class WrongQuery(Misconfigured):
    word = "wrong query"


class TooLarge(Misconfigured):
    word = "too large"


class Unsupported(BackendError):
    word = "unsupported"


class SourceEnded(BackendError):
    word = "ended"


class BackendBug(BackendError):
    word = "bug"


def bare(error: BackendError) -> BackendError:
    """Without the frames that it was raised in: whoever keeps it would keep with them whatever they had in hand,
    half of a huge answer perhaps, or a connection that was given up."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
