"""kazoo's errors as ours, and what it calls its states."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from backends.api.errors import BackendError, BadReply, Conflict, Denied, NotFound, Silent, Unreachable

MAY_READ = "set username and password of one who may read it"


class Suspended(Unreachable):
    """kazoo's SUSPENDED: the connection is gone, and the session may live on."""


class Lost(Unreachable):
    """kazoo's LOST: the session is gone, expired or closed."""


@contextmanager
def mapped(endpoint: str, limit: float) -> Iterator[None]:
    """The one place where kazoo's errors become ours."""
    try:
        yield
    except BackendError:
        raise
    except TimeoutError:
        raise Silent(f"no answer within {limit:g} s", where=endpoint) from None
    except Exception as error:
        raise _meaning(error, endpoint, limit) from None


def _meaning(error: Exception, endpoint: str, limit: float) -> Exception:
    from kazoo import exceptions as kazoo
    from kazoo.handlers.threading import KazooTimeoutError

    if isinstance(error, KazooTimeoutError):
        return Silent(f"no answer within {limit:g} s", where=endpoint)
    if isinstance(error, kazoo.NoAuthError):
        return Denied("permission denied", where=endpoint, hint=MAY_READ)
    if isinstance(error, kazoo.AuthFailedError):
        return Denied("authentication failed", where=endpoint, hint="check username and password")
    if isinstance(error, kazoo.NoNodeError):
        return NotFound("no such znode", where=endpoint)
    if isinstance(error, kazoo.SessionExpiredError):
        return Lost("the session has expired", where=endpoint)
    if isinstance(error, kazoo.ConnectionLoss | kazoo.ConnectionClosedError):
        return Suspended("the connection is gone", where=endpoint)
    if isinstance(error, struct.error | UnicodeDecodeError | RuntimeError):
        # What kazoo makes of an answer to another question, or to none.
        return no_sense(endpoint)
    if isinstance(error, kazoo.ZookeeperError):
        return Conflict(f"ZooKeeper says {type(error).__name__}", where=endpoint)
    return error


def no_sense(where: str) -> BadReply:
    return BadReply("its answers make no sense", where=where, hint="is that ZooKeeper?")


def not_zookeeper(where: str) -> BadReply:
    return BadReply("something answers there that is not ZooKeeper", where=where, hint="check the port")
