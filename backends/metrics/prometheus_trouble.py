"""Why a Prometheus server gave no answer, in words: pure functions from what HTTP and TLS say to our errors.

The API's own errors: prometheus.io/docs, "HTTP API" (400 bad_data, 422 execution, 503 timeout and aborted).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import msgspec

from backends import tls
from backends.api.errors import (
    BackendError,
    BadReply,
    Denied,
    Misconfigured,
    NotFound,
    Silent,
    TimedOut,
    TooLarge,
    Unreachable,
    WrongQuery,
)
from backends.exception_chain import causes, ending, nobody_there
from backends.masking import mask_url
from backends.metrics.prometheus_access import Access
from backends.no_json import NO_JSON

LESS = "ask for less: sum by (…), topk(10, …), a shorter range or a longer step"
NO_HTTP = {"RemoteProtocolError", "BadStatusLine"}
"""What httpx and http.client call an answer that is none."""
LOST = "the connection was lost"
SHOWN = 300
"""Characters of a server's own words that are kept."""


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    """The API's form of an error."""

    error: str
    error_type: str = ""


def too_large(limit: str, where: str, hint: str) -> TooLarge:
    return TooLarge(f"the answer is larger than {limit}, the most that is taken", where=where, hint=hint)


def silent(access: Access, seconds: float) -> Silent:
    return Silent(
        f"connected, and then no answer within {seconds:g} s",
        where=access.base,
        hint="is the server frozen or overloaded? A heavy query needs a shorter range, or a longer step",
    )


def not_connected(error: Exception, access: Access, seconds: float) -> BackendError:
    """A connection that did not come about or was lost, from the exception of httpx or requests: what the
    socket and OpenSSL said is among its causes."""
    where = access.base
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return tls.server_certificate(cause, access.host, where)
        if isinstance(cause, ssl.SSLError):
            refused = tls.refused_ours(cause, where, shown=access.cert is not None)
            if refused is not None:
                return refused
            # OpenSSL's words for an answer that is no TLS record.
            if any(word in str(cause.reason) for word in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")):
                hint = "write the url with http://"
                return Misconfigured("the server does not speak TLS", where=where, hint=hint)
            return Unreachable(tls.words(cause), where=where)
        nobody = nobody_there(cause, where, "Prometheus")
        if nobody is not None:
            return nobody
    name = type(error).__name__
    if "ConnectTimeout" in name:
        hint = "a firewall, or a dead host?"
        return TimedOut(f"no connection within {seconds:g} s", where=where, hint=hint)
    if "Timeout" in name:
        return silent(access, seconds)
    if (ended := ending(error)) is not None:
        return Unreachable(ended, where=where)
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return Unreachable(cause.strerror.lower(), where=where)
    names = {type(cause).__name__ for cause in causes(error)}
    if names & NO_HTTP and not any("disconnected" in str(cause).lower() for cause in causes(error)):
        return BadReply("no HTTP comes from there", where=where, hint="is it another server's port?")
    return Unreachable(LOST, where=where)


def speaks_tls(access: Access) -> Misconfigured:
    return Misconfigured("the server speaks TLS", where=access.base, hint="write the url with https://")


def refusal(status: int, headers: Mapping[str, str], data: bytes, access: Access) -> BackendError:
    """What an answer that is not 200 means. `headers` are found in any case."""
    where = access.base
    said = _said(data)
    if said is not None and status in (400, 422):
        return WrongQuery(said.error[:SHOWN])
    if said is not None and said.error_type == "timeout":
        return TimedOut("the query took longer than it may", where=where, hint=LESS)
    text = (said.error if said is not None else data.decode("utf-8", "replace").strip())[:SHOWN]
    if 300 <= status < 400:
        to = mask_url(headers.get("location", "") or "elsewhere")
        hint = "set url to what answers itself: a redirect would take secrets along, and is not followed"
        return Misconfigured(f"redirects to {to}", where=where, hint=hint)
    if status == 400 and "HTTPS server" in text:
        return speaks_tls(access)
    if status == 401:
        return _unknown_user(access)
    if status == 403:
        return Denied("permission denied", where=where, hint="this user or token may not read the API")
    if status in (404, 405):
        hint = "is it the server's path prefix that is missing in url, or too much in it?"
        return NotFound(f"{status}: no Prometheus API at this path", where=where, hint=hint)
    if status == 503 and said is None and not _is_html(headers, data):
        hint = "after a start it reads its log first, for minutes where that is large; it is asked again"
        return Unreachable("503: not ready, it is starting or stopping", where=where, hint=hint)
    if status in (429, 502, 503, 504):
        return Unreachable(f"{status} from the server, or from a proxy before it", where=where)
    return BadReply(f"{status}: {text}" if text and not _is_html(headers, data) else str(status), where=where)


def not_json(headers: Mapping[str, str], data: bytes, access: Access) -> BadReply:
    where = access.base
    if _is_html(headers, data):
        hint = "is another server there, or a login page before it? Try: curl -s URL/api/v1/status/buildinfo"
        return BadReply("HTML instead of JSON", where=where, hint=hint)
    return BadReply("an answer that is not Prometheus's JSON", where=where, hint="is it another server's port?")


def _unknown_user(access: Access) -> Denied:
    if access.token is not None:
        return Denied("401: the server does not take this token", where=access.base, hint="has it expired?")
    if access.username is None:
        hint = "set username and password, or token, for this source"
        return Denied("401: this server wants to know who asks", where=access.base, hint=hint)
    return Denied("401: wrong user or password", where=access.base, hint="check username and password")


def _said(data: bytes) -> _Said | None:
    try:
        return msgspec.json.decode(data, type=_Said)
    except NO_JSON:
        return None


def _is_html(headers: Mapping[str, str], data: bytes) -> bool:
    return "html" in headers.get("content-type", "").lower() or data.lstrip()[:1] == b"<"
