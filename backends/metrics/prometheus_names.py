"""Metric and label names for completion, through prometheus-api-client: nothing there needs cancelling.

It blocks, so it has threads of its own. Its session is ours: the library would try three times more, follow
redirects with our secrets, take the machine's proxies and .netrc, and read an answer of any size.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

from backends.api.errors import BackendError, BadReply
from backends.metrics.prometheus_access import Access
from backends.metrics.prometheus_credentials import Credentials
from backends.metrics.prometheus_trouble import not_connected, not_json, refusal, silent, too_large
from backends.metrics.prometheus_wire import explained
from backends.threads import Threads

ANSWER_MOST = 8 << 20
"""Bytes of an answer: some 200,000 names."""
HINT = "completion does without them"


class Names:
    """Belongs to one event loop. The library is imported at the first call, in a thread."""

    def __init__(self, access: Access, timeout: float) -> None:
        self._access, self._timeout = access, timeout
        self._threads = Threads("completion", 2, "the server does not answer them")
        self._client: Any = None

    async def metrics(self, credentials: Credentials) -> tuple[str, ...]:
        return await self._ask(credentials, lambda client: client.all_metrics())

    async def labels(self, credentials: Credentials) -> tuple[str, ...]:
        return await self._ask(credentials, lambda client: client.get_label_names())

    async def _ask(self, credentials: Credentials, call: Callable[[Any], Any]) -> tuple[str, ...]:
        def ask() -> tuple[str, ...]:
            client = connect(self._access, credentials, self._timeout)
            try:
                return self._names(client, call)
            finally:
                client.close()

        try:
            # Its own limit is between two reads.
            async with asyncio.timeout(self._timeout + 0.5):
                return await self._threads.run(ask)
        except TimeoutError:
            raise silent(self._access, self._timeout) from None
        except BackendError as error:
            raise await explained(error, self._access) from None

    def _names(self, client: Any, call: Callable[[Any], Any]) -> tuple[str, ...]:
        from requests.exceptions import InvalidJSONError

        try:
            found = call(client)
        except (InvalidJSONError, KeyError, TypeError):
            raise not_json({}, b"", self._access) from None
        except OSError as error:  # All of requests' errors are, and OpenSSL's that it lets through.
            raise not_connected(error, self._access, self._timeout) from None
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise BadReply("the list of names makes no sense", where=self._access.base)
        return tuple(found)


def connect(access: Access, credentials: Credentials, timeout: float) -> Any:
    """The library's client, with a session that keeps our promises. Blocks while it is imported."""
    import requests
    import urllib3
    from prometheus_api_client import PrometheusConnect
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *words: Any, **settings: Any) -> None:
            if credentials.context is not None:
                settings["ssl_context"] = credentials.context
            super().init_poolmanager(*words, **settings)

    if access.skip_verify:
        # It was asked for; the warning would be written over the screen.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    session.verify = not access.skip_verify
    session.hooks["response"].append(lambda reply, **_: _bounded(reply, access))
    # As requests itself means it: with `read` left alone an answer that is late is "the connection was lost".
    once = Retry(0, read=False)
    client = PrometheusConnect(
        access.base,
        headers={name: value.reveal() for name, value in credentials.headers.items()},
        auth=None if credentials.auth is None else (credentials.auth[0], credentials.auth[1].reveal()),
        session=session,
        retry=once,
        timeout=timeout,
    )
    # It has mounted one of its own there, with the system's CAs only.
    session.mount(access.base, Adapter(max_retries=once))
    return client


def _bounded(reply: Any, access: Access) -> Any:
    """The same answer with its body read, before the library reads one of any size. Raises `BackendError`."""
    data = bytearray()
    # A connection of which not all is read belongs to no pool, and would wait for the garbage collector.
    with reply:
        for chunk in reply.iter_content(64 << 10):
            data += chunk
            if len(data) > ANSWER_MOST:
                raise too_large(f"{ANSWER_MOST >> 20} MiB", access.base, HINT)
    if reply.status_code != 200:
        raise refusal(reply.status_code, reply.headers, bytes(data), access)
    if data.lstrip()[:1] != b"{":
        raise not_json(reply.headers, bytes(data), access)
    read = type(reply)()
    read.status_code, read.headers, read.url, read.request = 200, reply.headers, reply.url, reply.request
    read.encoding, read.raw = "utf-8", io.BytesIO(data)
    return read
