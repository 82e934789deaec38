"""How a Prometheus may refuse, mislead or flood: each with its own words, over httpx and through the library."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from backends.api.errors import BackendError, BadReply, Denied, Misconfigured, NotFound, Silent, Unreachable
from backends.api.settings import SecretRef
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from backends.metrics.prometheus_answers import series
from tests.servers.fake_http import Say, answer, drip, fake, flood, raw
from tests.servers.prometheus_server import PrometheusServer
from tests.servers.test_etcd_access import Credentials

pytestmark = pytest.mark.server

# bcrypt of "hunter2", cost 4.
HASH = "$2b$04$jkvPUi9CloJsbQVZdxGSr.j76R6Rrv7Ngj65dUGTYMCSjEVrz03Xm"
USERS = f'basic_auth_users: {{admin: "{HASH}"}}\n'
HTML = "<!doctype html><html><body>Sign in</body></html>"


@asynccontextmanager
async def opened(timeout: float = 3.0, **settings: Any) -> AsyncIterator[Prometheus]:
    backend = Prometheus("main", PrometheusSettings(**settings), timeout=timeout)
    try:
        yield backend
    finally:
        await backend.close()


async def why(timeout: float = 3.0, **settings: Any) -> BackendError:
    """Why a query fails, and a look at the targets, and the names: all of them say the same."""
    found = []
    async with opened(timeout, **settings) as backend:
        targets = backend.targets(None)
        for call in (backend.query("up"), anext(targets), backend.names()):
            with pytest.raises(BackendError) as caught:
                await call
            found.append(caught.value)
        await targets.aclose()
        check = (await backend.check())[0]
        assert not check.ok
        assert _words(check.text) == _words(found[0].reason)
    assert {type(error) for error in found} == {type(found[0])}
    assert len({(_words(error.reason), error.where) for error in found}) == 1, found
    return found[0]


def _words(reason: str) -> str:
    """How long each of them waits, and how much it takes, is its own."""
    return re.sub(r"[\d.]+ (s\b|MiB)", "so many", reason)


async def why_fake(say: Say, timeout: float = 3.0) -> BackendError:
    async with fake(say) as address:
        error = await why(timeout, url=f"http://{address}")
        assert error.where == f"http://{address}"
        return error


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials(tmp_path, trustme.CA())


def web(cert: str, key: str, more: str = "") -> str:
    return f"tls_server_config: {{cert_file: {cert}, key_file: {key}{more}}}\n"


@pytest.fixture(scope="module")
def guarded() -> Iterator[PrometheusServer]:
    """Behind a password and a path prefix."""
    with PrometheusServer(web=USERS, user="admin:hunter2", prefix="/prometheus") as made:
        yield made


async def test_a_password_by_every_way(guarded: PrometheusServer, tmp_path: Path) -> None:
    kept = tmp_path / "password"
    kept.write_text("hunter2\n")
    kept.chmod(0o600)
    basic = base64.b64encode(b"admin:hunter2").decode()
    ways: list[dict[str, Any]] = [
        {"url": guarded.url, "username": "admin", "password": "hunter2"},
        {"url": guarded.url + "/", "username": "admin", "password": SecretRef(file=str(kept))},
        {"url": guarded.url.replace("://", "://admin:hunter2@")},
        {"url": guarded.url.replace("://", "://admin:%68unter2@")},
        {"url": guarded.url, "headers": {"Authorization": f"Basic {basic}"}},
    ]
    for way in ways:
        async with opened(**way) as backend:
            assert (await backend.query("1"))[0].points[0][1] == 1
            assert await backend.names() == ()
            assert (await backend.check())[0].ok
            assert "hunter2" not in backend.where + repr(backend.settings) + str(vars(backend))


async def test_wrong_passwords(guarded: PrometheusServer) -> None:
    wrong = await why(url=guarded.url, username="admin", password="hunter3")
    assert isinstance(wrong, Denied)
    assert "wrong user or password" in wrong.reason
    in_url = await why(url=guarded.url.replace("://", "://admin:hunter3@"))
    assert "hunter3" not in f"{wrong!r} {wrong} {in_url!r} {in_url} {in_url.where}"
    assert "wants to know who asks" in (await why(url=guarded.url)).reason
    assert "token" in (await why(url=guarded.url, token="abc")).reason


async def test_a_wrong_path(guarded: PrometheusServer) -> None:
    basic: dict[str, Any] = {"username": "admin", "password": "hunter2"}
    missing = await why(url=f"http://{guarded.address}", **basic)
    assert isinstance(missing, NotFound)
    assert "path prefix" in missing.hint


async def test_tokens_and_headers_are_sent_by_both_ways() -> None:
    asked: list[str] = []
    async with fake(answer('{"status":"success","data":["a"]}'), asked) as address:
        settings: dict[str, Any] = {"token": "t0k", "headers": {"X-Scope-OrgID": "team-a"}}
        async with opened(url=f"http://{address}/p", **settings) as backend:
            assert await backend.names() == ("a",)
            assert await backend.label_names() == ("a",)
            with pytest.raises(BadReply):
                await backend.query("up")
    assert [head.split()[1].partition("?")[0] for head in asked] == [
        *("/p/api/v1/label/__name__/values", "/p/api/v1/labels", "/p/api/v1/query")
    ]
    for head in asked:
        assert "authorization: bearer t0k" in head.lower()
        assert "x-scope-orgid: team-a" in head.lower()


async def test_secrets_that_are_none(tmp_path: Path) -> None:
    for settings in (
        {"headers": {"X-Key": "a\r\nHost: evil"}},
        {"headers": {"bad name": "x"}},
        {"token": SecretRef(env="NO_SUCH_VARIABLE")},
        {"ca": str(tmp_path / "missing.pem")},
    ):
        error = await why(url="https://127.0.0.1:1", **settings)
        assert isinstance(error, Misconfigured)
        assert "evil" not in str(error)
    with pytest.raises(Misconfigured, match="no url"):
        Prometheus("main", PrometheusSettings(url="ftp://user:hunter2@x"))
    with pytest.raises(ValueError, match="not both"):
        PrometheusSettings(token="a", username="b")


async def test_tls(credentials: Credentials, tmp_path: Path) -> None:
    cert, key = credentials.server("s", "127.0.0.1")
    more = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {credentials.ca_file}"
    with PrometheusServer(web=web(cert, key)) as server:
        url = f"https://{server.address}"
        for right in ({"ca": credentials.ca_file}, {"insecure_skip_tls_verify": True}):
            async with opened(url=url, **right) as backend:
                assert (await backend.query("1"))[0].points[0][1] == 1
                assert await backend.names() == ()
        stranger = await why(url=url)
        assert isinstance(stranger, Denied)
        assert "CA that we don't trust" in stranger.reason
        name = await why(url=f"https://localhost:{server.port}", ca=credentials.ca_file)
        assert "not for localhost" in name.reason
        plain = await why(url=f"http://{server.address}")
        assert isinstance(plain, Misconfigured)
        assert "speaks TLS" in plain.reason
    with PrometheusServer(web=web(cert, key, more)) as server:
        url = f"https://{server.address}"
        unknown = await why(url=url, ca=credentials.ca_file)
        assert isinstance(unknown, Denied)
        assert "client certificate" in unknown.reason
        ours, our_key = credentials.server("client", "me@example.org")
        async with opened(url=url, ca=credentials.ca_file, cert=ours, key=our_key) as backend:
            assert (await backend.query("1"))[0].points[0][1] == 1
            assert await backend.names() == ()
    with PrometheusServer() as server:
        tls = await why(url=f"https://{server.address}")
        assert isinstance(tls, Misconfigured)
        assert "does not speak TLS" in tls.reason


async def test_a_handshake_that_is_cancelled_leaves_no_connection() -> None:
    """Not even until the next garbage collection."""
    began, over = asyncio.Event(), asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        began.set()
        await reader.read()
        over.set()
        writer.close()

    server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gc.disable()
    try:
        async with opened(timeout=30.0, url=f"https://127.0.0.1:{port}") as backend:
            asked = asyncio.create_task(backend.query("up"))
            async with asyncio.timeout(10):
                await began.wait()
                asked.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asked
                await over.wait()
    finally:
        gc.enable()
        server.close()


async def test_other_answers() -> None:
    page = await why_fake(answer(HTML, kind="text/html"))
    assert (type(page), page.reason) == (BadReply, "HTML instead of JSON")
    assert "login" in page.hint
    starting = await why_fake(answer("Service Unavailable", status="503 Service Unavailable", kind="text/plain"))
    assert type(starting) is Unreachable
    assert "starting" in starting.reason
    proxy = await why_fake(answer(HTML, status="502 Bad Gateway", kind="text/html"))
    assert "502" in proxy.reason
    away = await why_fake(answer("", status="302 Found", more="Location: https://sso:pw@example.org/login\r\n"))
    assert isinstance(away, Misconfigured)
    assert away.reason == "redirects to https://sso:***@example.org/login"
    forbidden = await why_fake(answer("no", status="403 Forbidden"))
    assert isinstance(forbidden, Denied)
    other = await why_fake(answer('{"hello": "world"}'))
    assert isinstance(other, BadReply)
    broken = await why_fake(answer('{"status":"success","data":{"resultType":"vec'))
    assert isinstance(broken, BadReply)
    redis = await why_fake(raw(b"-ERR unknown command\r\n\r\n"))
    assert isinstance(redis, BadReply)
    hangs_up = await why_fake(raw(b""))
    assert "lost" in hangs_up.reason
    own = answer(
        '{"status":"error","errorType":"internal","error":"disk I/O"}', status="500 Internal Server Error"
    )
    assert "disk I/O" in (await why_fake(own)).reason


async def test_a_body_that_never_ends() -> None:
    slow = await why_fake(drip(0.05), 0.5)
    assert isinstance(slow, Unreachable)
    big = await why_fake(flood(b'{"metric":' * 6000), 10)
    assert isinstance(big, Misconfigured)
    assert "larger than" in big.reason
    assert big.hint


async def test_names_that_are_too_many_leave_no_connection() -> None:
    """Not even while somebody keeps the error, and with it all that was in hand."""
    over = asyncio.Event()

    async def say(writer: asyncio.StreamWriter) -> None:
        try:
            # Of a length that is told: an answer in chunks is closed by the library itself.
            await answer(b'["name"],' * (2 << 20))(writer)
            await writer.wait_closed()
        finally:
            over.set()

    async with fake(say) as address, opened(30.0, url=f"http://{address}") as backend:
        with pytest.raises(Misconfigured) as kept:
            await backend.names()
        async with asyncio.timeout(10):
            await over.wait()
        assert "larger than" in kept.value.reason


def vector(count: int, pad: str = "") -> bytes:
    """An answer of so many series."""
    rows = [{"metric": {"n": f"{n}{pad}"}, "value": [1.5, "2"]} for n in range(count)]
    data = {"status": "success", "data": {"resultType": "vector", "result": rows}}
    return json.dumps(data, separators=(",", ":")).encode()


async def test_ten_megabytes_and_fifty_thousand_series_are_refused() -> None:
    for body, words in ((vector(50_000), "10,000 series"), (vector(9_000, "x" * 1100), "8 MiB")):
        async with fake(answer(body)) as address, opened(url=f"http://{address}", timeout=20) as backend:
            with pytest.raises(Misconfigured, match=words) as caught:
                await backend.query("sum(up)")
            assert "ask for less" in caught.value.hint


async def test_what_is_large_and_allowed_is_read_in_another_thread() -> None:
    async with fake(answer(vector(9_000, "x" * 800))) as address, opened(url=f"http://{address}") as backend:
        await backend._wire.credentials()
        threads: set[int] = set()
        read = series

        def noted(*words: Any, **more: Any) -> Any:
            threads.add(threading.get_ident())
            return read(*words, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("backends.metrics.prometheus.series", noted)
            assert len(await backend.query("sum(up)")) == 9_000
        assert threads
        assert threading.get_ident() not in threads


async def test_nulls_numbers_and_histograms() -> None:
    def result(body: str) -> Say:
        return answer(f'{{"status":"success","data":{{"resultType":"matrix","result":[{body}]}}}}')

    points = '{"metric":{"a":"b"},"values":[[1,"1"],[2,null],[3,3.5],[4,"NaN"],[5,"-Inf"]]}'
    async with fake(result(points)) as address, opened(url=f"http://{address}") as backend:
        (found,) = await backend.query_range("x", 0, 5, 1)
        assert [at for at, _ in found.points] == [1, 3, 4, 5]
        assert repr([value for _, value in found.points]) == "[1.0, 3.5, nan, -inf]"
    native = '{"metric":{},"histograms":[[1,{"count":"1"}]]}'
    async with fake(result(native)) as address, opened(url=f"http://{address}") as backend:
        with pytest.raises(BackendError, match="native histograms"):
            await backend.query_range("x", 0, 5, 1)
    wrong = '{"metric":{},"values":[[1,"many"]]}'
    async with fake(result(wrong)) as address, opened(url=f"http://{address}") as backend:
        with pytest.raises(BadReply, match="no number"):
            await backend.query_range("x", 0, 5, 1)


async def test_a_frozen_server_is_silent_for_targets_too() -> None:
    with PrometheusServer() as server:
        server.freeze()
        try:
            error = await why(0.4, url=server.url)
        finally:
            server.thaw()
        assert isinstance(error, Silent)
