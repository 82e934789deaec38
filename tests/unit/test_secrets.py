"""Secrets are fetched in bounded time, and what is printed never holds one."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backends import secrets
from backends.api.errors import Misconfigured
from backends.api.settings import Secret, SecretRef
from backends.masking import mask_url
from tests.waiting import wait_until


def test_each_place_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("from file\n")
    path.chmod(0o600)
    assert secrets.reveal("plain").reveal() == "plain"
    assert secrets.reveal(SecretRef(env="S"), {"S": "from env"}).reveal() == "from env"
    assert secrets.reveal(SecretRef(file=str(path))).reveal() == "from file"
    assert secrets.reveal(SecretRef(command=("printf", "from command\\n"))).reveal() == "from command"


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (SecretRef(env="MW_NOT_SET"), "not set"),
        (SecretRef(file="/nowhere/s"), "not readable"),
        (SecretRef(command=("false",)), "exited with 1"),
        (SecretRef(command=("nowhere-to-be-found",)), "No such file"),
        (SecretRef(command=("yes",)), "longer than"),
        (SecretRef(command=("printf", "\\377")), "not text"),
    ],
)
def test_what_is_wrong_with_one(where: SecretRef, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        secrets.reveal(where)


def test_a_file_that_others_can_read_or_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("x")
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="others can read"):
        secrets.reveal(SecretRef(file=str(path)))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(Misconfigured, match="not a file"):
        secrets.reveal(SecretRef(file=str(tmp_path / "pipe")))


def test_a_command_that_hangs_is_ended_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(Misconfigured, match="said nothing"):
        secrets.reveal(SecretRef(command=("sh", "-c", "sleep 60 & sleep 60")))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "url",
    [
        "http://u:hunter2@h:1/x",
        "http://u:hun@ter2@h",
        "https://h/x?token=hunter2&a=b",
        "https://h/x?a=b&api_key=hunter2",
        "http://:hunter2@h",
    ],
)
def test_no_url_shows_its_password(url: str) -> None:
    shown = mask_url(url)
    assert "ter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize("url", ["http://h:9090/a@b", "h:1", "https://u@h/x", "http://[::1]:1/"])
def test_a_url_without_one_stays_as_it_is(url: str) -> None:
    assert mask_url(url) == url


def test_a_shared_secret_is_fetched_once_and_after_a_failure_again(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    shared = secrets.Shared(
        SecretRef(command=("sh", "-c", f"echo x >> {asked}; test -e {tmp_path}/key && echo pw"))
    )
    with pytest.raises(Misconfigured, match="exited with 1"):
        shared.get()
    (tmp_path / "key").touch()
    assert [shared.get().reveal() for _ in range(3)] == ["pw"] * 3
    assert asked.read_text() == "x\n" * 2


def test_who_waits_for_a_shared_secret_shares_its_failure(tmp_path: Path) -> None:
    """Else each connection would ask the person once more, one after another."""
    asked, go = tmp_path / "asked", tmp_path / "go"
    os.mkfifo(go)
    shared = secrets.Shared(SecretRef(command=("sh", "-c", f"echo x >> {asked}; cat {go}; false")))
    at_the_lock: list[str] = []

    class Seen:
        def __enter__(self) -> None:
            at_the_lock.append("")
            lock.acquire()

        def __exit__(self, *args: object) -> None:
            lock.release()

    lock, shared._fetching = shared._fetching, Seen()  # type: ignore[assignment]
    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(shared.get) for _ in range(2)]
        wait_until(lambda: len(at_the_lock) == 2)
        go.open("w").close()
        assert [type(one.exception()) for one in asking] == [Misconfigured, Misconfigured]
    assert asked.read_text() == "x\n"
