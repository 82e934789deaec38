"""TLS and passwords: each way to be refused has its own words. Certificates are made here, servers are real."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from backends.api.backend import Check
from backends.api.errors import BackendError, Denied, Misconfigured
from backends.api.settings import SecretRef
from backends.coordination.etcd import Etcd, EtcdSettings
from tests.servers.etcd_cluster import EtcdCluster

pytestmark = pytest.mark.server


@dataclass
class Credentials:
    """Files of certificates in a folder."""

    folder: Path
    ca: trustme.CA

    def server(self, name: str, *identities: str, **more: Any) -> tuple[str, str]:
        made = self.ca.issue_cert(*identities, **more)
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        for blob in made.cert_chain_pems:
            cert.write_bytes((cert.read_bytes() if cert.exists() else b"") + blob.bytes())
        made.private_key_pem.write_to_path(str(key))
        return str(cert), str(key)

    @property
    def ca_file(self) -> str:
        path = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return str(path)


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials(tmp_path, trustme.CA())


@pytest.fixture
def tls_cluster(credentials: Credentials) -> Iterator[Callable[..., EtcdCluster]]:
    opened: list[EtcdCluster] = []

    def start(cert: str, key: str, *more: str) -> EtcdCluster:
        cluster = EtcdCluster(size=1, scheme="https", tls=[f"--cert-file={cert}", f"--key-file={key}", *more])
        opened.append(cluster)
        return cluster.__enter__()

    yield start
    for cluster in opened:
        cluster.__exit__(None, None, None)


async def look(**settings: Any) -> tuple[BackendError | None, Check]:
    """Why `members` fails, None when it does not, and what `doctor` says."""
    backend = Etcd("main", EtcdSettings(**settings))
    failed: BackendError | None = None
    try:
        async with asyncio.timeout(15):
            source = backend.members(None)
            try:
                await anext(source)
            except BackendError as error:
                failed = error
            finally:
                await source.aclose()
            return failed, (await backend.check())[0]
    finally:
        await backend.close()


async def test_tls_that_is_right_works(credentials: Credentials, tls_cluster: Callable[..., EtcdCluster]) -> None:
    cluster = tls_cluster(*credentials.server("s", "127.0.0.1"))
    failed, check = await look(endpoints=cluster.endpoints, ca=credentials.ca_file)
    assert failed is None
    assert check.ok
    failed, _ = await look(endpoints=cluster.endpoints, insecure_skip_tls_verify=True)
    assert failed is None


async def test_wrong_ca(
    credentials: Credentials, tls_cluster: Callable[..., EtcdCluster], tmp_path: Path
) -> None:
    cluster = tls_cluster(*credentials.server("s", "127.0.0.1"))
    (tmp_path / "other").mkdir()
    other = Credentials(tmp_path / "other", trustme.CA())
    failed, check = await look(endpoints=cluster.endpoints, ca=other.ca_file)
    assert isinstance(failed, Denied)
    assert "CA that we don't trust" in failed.reason
    assert "CA that we don't trust" in check.text


async def test_wrong_host_name(credentials: Credentials, tls_cluster: Callable[..., EtcdCluster]) -> None:
    cluster = tls_cluster(*credentials.server("s", "etcd.example.org"))
    failed, _ = await look(endpoints=cluster.endpoints, ca=credentials.ca_file)
    assert isinstance(failed, Denied)
    assert "not for 127.0.0.1" in failed.reason


async def test_expired(credentials: Credentials, tls_cluster: Callable[..., EtcdCluster]) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    cluster = tls_cluster(*credentials.server("s", "127.0.0.1", not_after=yesterday))
    failed, _ = await look(endpoints=cluster.endpoints, ca=credentials.ca_file)
    assert isinstance(failed, Denied)
    assert "expired" in failed.reason


async def test_no_client_certificate(credentials: Credentials, tls_cluster: Callable[..., EtcdCluster]) -> None:
    wants = ("--client-cert-auth", f"--trusted-ca-file={credentials.ca_file}")
    cluster = tls_cluster(*credentials.server("s", "127.0.0.1"), *wants)
    failed, _ = await look(endpoints=cluster.endpoints, ca=credentials.ca_file)
    assert isinstance(failed, Denied)
    assert "client certificate" in failed.reason
    assert "cert and key" in failed.hint
    cert, key = credentials.server("client", "me@example.org")
    failed, _ = await look(endpoints=cluster.endpoints, ca=credentials.ca_file, cert=cert, key=key)
    assert failed is None


async def test_plain_to_tls_and_tls_to_plain(
    credentials: Credentials, tls_cluster: Callable[..., EtcdCluster]
) -> None:
    secured = tls_cluster(*credentials.server("s", "127.0.0.1"))
    failed, _ = await look(endpoints=secured.endpoints)
    assert isinstance(failed, Misconfigured)
    assert "speaks TLS" in failed.reason
    with EtcdCluster(size=1) as plain:
        failed, _ = await look(endpoints=tuple(f"https://{address}" for address in plain.endpoints))
        assert isinstance(failed, Misconfigured)
        assert "does not speak TLS" in failed.reason


async def test_refused_and_unknown_hosts() -> None:
    failed, _ = await look(endpoints=("127.0.0.1:1",))
    assert failed is not None
    assert "connection refused" in failed.reason
    failed, _ = await look(endpoints=("no-such-host.invalid:2379",))
    assert failed is not None
    assert "host name not found" in failed.reason


def gateway(address: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(f"http://{address}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as reply:
        reply.read()


async def test_passwords(tmp_path: Path) -> None:
    with EtcdCluster(size=1) as cluster:
        address = cluster.endpoints[0]
        steps: list[tuple[str, dict[str, Any]]] = [
            ("/v3/auth/user/add", {"name": "root", "password": "hunter2"}),
            ("/v3/auth/role/add", {"name": "root"}),
            ("/v3/auth/user/grant", {"user": "root", "role": "root"}),
            ("/v3/auth/user/add", {"name": "guest", "password": "guest"}),
            ("/v3/auth/enable", {}),
        ]
        for path, body in steps:
            await asyncio.to_thread(gateway, address, path, body)
        right: dict[str, Any] = {"endpoints": (address,), "username": "root", "password": "hunter2"}
        failed, _ = await look(**right)
        assert failed is None
        failed, check = await look(**{**right, "password": "hunter3"})
        assert isinstance(failed, Denied)
        assert "wrong user or password" in failed.reason
        assert "hunter3" not in f"{failed!r}{failed}{check}"
        asked = tmp_path / "asked"
        command = ("sh", "-c", f"echo once >> {asked}; echo hunter2")
        settings = EtcdSettings(
            (address,), {"web": "/web/"}, username="root", password=SecretRef(command=command)
        )
        both = Etcd("main", settings)
        for source in (both.members(None), both.instances(None)):
            async with aclosing(source):
                await anext(source)
        await both.close()
        assert asked.read_text() == "once\n", "each of its wires has asked"
        backend = Etcd("main", EtcdSettings(endpoints=(address,), groups={"web": "/web/"}))
        with pytest.raises(Denied, match="wants a user"):
            await anext(backend.instances(None))
        await backend.close()
        guest = Etcd(
            "main",
            EtcdSettings(endpoints=(address,), groups={"w": "/w/"}, username="guest", password="guest"),
        )
        with pytest.raises(Denied, match="permission denied"):
            await anext(guest.instances(None))
        await guest.close()
