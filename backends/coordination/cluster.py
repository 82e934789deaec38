"""What is said alike of every cluster: why nobody answers, what its quorum allows, which rows look the same."""

from __future__ import annotations

import time
from collections.abc import Mapping

from msgspec.structs import replace

from backends.api.errors import BackendError, Unreachable
from backends.api.models import Detail, Member


def together(failed: Mapping[str, BackendError]) -> BackendError:
    """Why none of the endpoints answers: the one reason where all have the same, else each with its own."""
    if not failed:
        return Unreachable("no endpoints")
    errors = list(failed.values())
    first = errors[0]
    if len({(type(error), error.reason) for error in errors}) == 1:
        return type(first)(first.reason, where=", ".join(failed), hint=first.hint)
    text = "; ".join(f"{where} {error.reason}" for where, error in failed.items())
    hint = next((error.hint for error in errors if error.hint), "")
    return Unreachable(text, hint=hint)


def quorum_of(up: int, voters: int) -> Detail:
    """How many voters answer, and what that leaves; behind the colon is the consequence."""
    quorum = voters // 2 + 1
    spare = up - quorum
    more = (
        "no further failure allowed" if spare == 0 else f"{spare} more may fail" if spare > 0 else "quorum lost"
    )
    return Detail("quorum", f"{up} of {voters} answer, quorum {quorum}: {more}")


def alike(old: Member, new: Member) -> bool:
    """Whether nothing differs that a reader would call a difference: a round trip is never the same twice."""
    if old.latency_ms is None or new.latency_ms is None:
        return old == new
    near = abs(old.latency_ms - new.latency_ms) < max(1.0, 0.2 * old.latency_ms)
    return near and replace(new, latency_ms=old.latency_ms) == old


def milliseconds_since(start: float) -> float:
    return (time.monotonic() - start) * 1000
