"""What etcd's refusals mean: its own words and gRPC's codes, as our errors.

The words are those of etcd's `rpctypes` (api/v3rpc/rpctypes/error.go), the same in calls and in watches.
"""

from __future__ import annotations

from collections.abc import Callable

from backends.api.errors import (
    BackendError,
    BadReply,
    Denied,
    Misconfigured,
    NotFound,
    Unreachable,
    Unsupported,
)


class TokenExpired(Denied):
    """The token that we were given is no longer good; a new one may be."""


class NoLeader(Unreachable):
    """The member answers and has no leader: an election, or a quorum that is lost."""


class Compacted(NotFound):
    """The revision that was asked for is gone; there is history from `revision` on (0: not known)."""

    revision = 0


class OtherCluster(Misconfigured):
    """An endpoint of ours answers for another cluster than the one that answered first."""


class NoAuth(BackendError):
    """The cluster has no authentication; a configured user does no harm then."""


_MEANINGS: tuple[tuple[str, Callable[[str], BackendError]], ...] = (
    ("authentication is not enabled", lambda where: NoAuth("authentication is not enabled", where=where)),
    (
        "invalid user ID or password",
        lambda where: Denied("wrong user or password", where=where, hint="check username and password"),
    ),
    (
        "user name is empty",
        lambda where: Denied(
            "this cluster wants a user", where=where, hint="set username and password for this source"
        ),
    ),
    ("invalid auth token", lambda where: TokenExpired("the token has expired", where=where)),
    ("auth store is old", lambda where: TokenExpired("users or roles were changed", where=where)),
    ("revision in header is old", lambda where: TokenExpired("users or roles were changed", where=where)),
    (
        "permission denied",
        lambda where: Denied("permission denied", where=where, hint="grant this user a role that may read it"),
    ),
    ("no leader", lambda where: NoLeader("the cluster has no leader: quorum is lost", where=where)),
    (
        "request timed out",
        lambda where: NoLeader("the member answers but has no quorum behind it", where=where),
    ),
    ("has been compacted", lambda where: Compacted("that revision is compacted away", where=where)),
)


def meant(details: str, where: str) -> BackendError | None:
    """What etcd says in words, of a call or of a watch; None for what has no meaning of its own here."""
    return next((made(where) for words, made in _MEANINGS if words in details), None)


def meaning(code: str, details: str, where: str) -> BackendError:
    """What a call ended with: gRPC's code, and etcd's words."""
    said = meant(details, where)
    if said is not None:
        return said
    kinds: dict[str, type[BackendError]] = {
        "UNAUTHENTICATED": Denied,
        "PERMISSION_DENIED": Denied,
        "NOT_FOUND": NotFound,
        "UNIMPLEMENTED": Unsupported,
        "UNAVAILABLE": Unreachable,
        "CANCELLED": Unreachable,
    }
    return kinds.get(code, BadReply)(f"{code.lower()}: {details}", where=where)
