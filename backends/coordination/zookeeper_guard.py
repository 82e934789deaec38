"""Between kazoo and its socket: what it reads is bounded, and where it stops reading there is a reason.

kazoo takes a message of whatever length is told (one of 200 MB costs 600 of memory), lets nonsense end its thread
with a traceback on stderr, and tells of a connection that broke only that it is gone; of one that never was
not even that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backends.api.errors import BackendError, Silent, TooLarge, Unreachable
from backends.coordination.zookeeper_errors import Suspended, no_sense, not_zookeeper
from backends.exception_chain import causes, nobody_there

MESSAGE_MOST = 8 << 20
"""Bytes of a message: the names of 80,000 children; a server takes values of 1 MiB at most by default."""
SENSE = 1 << 28
"""Bytes of which no message of ZooKeeper's ever tells: other programs' words are taken for a length, too."""

Tell = Callable[[BackendError], None]
"""Called in kazoo's thread."""


def guard(connection: Any, endpoint: str, tell: Tell) -> None:
    """Tell why this connection of kazoo's ends, before kazoo says that it has."""
    from kazoo.exceptions import AuthFailedError, ConnectionDropped, SessionExpiredError

    late = connection.handler.timeout_exception
    read = connection._read

    def bounded(length: int, timeout: float) -> Any:
        if not 0 <= length <= MESSAGE_MOST:
            tell(_announced(length, endpoint))
            raise ConnectionDropped(f"a message of {length} bytes")
        return read(length, timeout)

    def told(step: Callable[..., Any], *, session: bool) -> Callable[..., Any]:
        def take(*words: Any) -> Any:
            try:
                return step(*words)
            except (AuthFailedError, SessionExpiredError):
                raise
            except late:
                tell(Silent("connected, and then no answer in time", where=endpoint))
                raise
            except ConnectionDropped as error:
                tell(_ended(error, endpoint, session=session))
                raise
            except Exception as error:  # Whatever it is: nothing else has been said for kazoo to read.
                tell(no_sense(endpoint))
                raise ConnectionDropped(f"{type(error).__name__}: {error}") from error

        return take

    connection._read = bounded
    connection._connect = told(connection._connect, session=False)
    connection._read_socket = told(connection._read_socket, session=True)


def _announced(length: int, endpoint: str) -> BackendError:
    if not 0 <= length < SENSE:
        return not_zookeeper(endpoint)
    text = f"an answer of {length >> 20} MiB is on its way, and {MESSAGE_MOST >> 20} are the most that is taken"
    return TooLarge(text, where=endpoint, hint="does a znode that is watched have too many children?")


def _ended(error: Exception, endpoint: str, *, session: bool) -> BackendError:
    for cause in causes(error):
        nobody = nobody_there(cause, endpoint, "ZooKeeper")
        if nobody is not None:
            return nobody
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return Suspended("the connection was reset", where=endpoint)
    if session:
        return Suspended("the server closed the connection", where=endpoint)
    hint = "has it more connections than its maxClientCnxns?"
    return Unreachable("it hung up before there was a session", where=endpoint, hint=hint)
