"""What an exception came from: clients wrap what the socket and OpenSSL said, each in its own way."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from backends.api.errors import Unreachable

BROKEN_OFF = ("incomplete chunked read", "without sending complete message body", "IncompleteRead")
"""What httpx and http.client say where the body of an answer has ended too early."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that is below it, each once, the nearest first. requests keeps the causes in its
    arguments, urllib3 as a reason, and a group has one for each address that was tried."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        group = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        near = (found.__cause__, found.__context__, *group, *found.args, getattr(found, "reason", None))
        waiting += [item for item in near if isinstance(item, BaseException)]


def nobody_there(cause: BaseException, where: str, program: str) -> Unreachable | None:
    """Of one cause whether it is that nobody could be connected to."""
    if isinstance(cause, socket.gaierror):
        return Unreachable("host name not found", where=where)
    if isinstance(cause, ConnectionRefusedError):
        return Unreachable("connection refused", where=where, hint=f"is {program} running there?")
    return None


def ending(error: BaseException) -> str | None:
    """How a connection over HTTP ended in the middle of something, in plain words; None where it did not."""
    for cause in causes(error):
        # http.client's word for a server that hung up is a ConnectionResetError, too, without a strerror.
        if isinstance(cause, ConnectionResetError) and cause.strerror:
            return "the connection was reset"
        if any(word in str(cause) for word in BROKEN_OFF):
            return "its answer broke off"
    return None
