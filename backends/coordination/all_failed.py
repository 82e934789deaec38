"""Why none of a cluster's servers answers, as one reason."""

from __future__ import annotations

from collections.abc import Mapping

from backends.api.errors import BackendError, Unreachable


def why_all_failed(failed: Mapping[str, BackendError]) -> BackendError:
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
