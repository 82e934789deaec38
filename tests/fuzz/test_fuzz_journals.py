"""What midwatch itself has written, after a disk or a person has been at it: journals of runs, the audit, and the
steps that a command tells of."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.changes.audit import Audit
from backends.changes.audit_verify import verify
from backends.deploys.journal import Entry, parse, steps_of
from backends.deploys.step_marks import MARK, STEPS_MOST, Marks
from tests.fuzz.junk import bytes_like, json_like
from tests.hostile import unsafe
from tui.audit_lines import line_of

ENTRY = b'{"at":"2026-11-24T02:13:20Z","what":"step","name":"a"}\n'
RUN_KEYS = ("at", "what", "name", "state", "message", "process")
AUDIT_KEYS = (
    "n",
    "time",
    "user",
    "context",
    "outcome",
    "title",
    "target",
    "text",
    "prev",
    "hash",
    "verb",
    "reason",
)


def lines(keys: tuple[str, ...], *pieces: bytes) -> st.SearchStrategy[bytes]:
    told = json_like(keys).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass") + b"\n")
    return st.lists(
        bytes_like([*pieces, b"\n", b"{", b"}", b'"']) | told | st.sampled_from(pieces), max_size=6
    ).map(b"".join)


@given(lines(RUN_KEYS, ENTRY, ENTRY.replace(b"step", b"step-ended"), b'{"at":"\xff"}\n'))
@example(b'{"a":' * 50_000 + b"\n")
@settings(max_examples=200, deadline=None)
def test_each_line_of_a_run_is_an_entry_or_damaged(data: bytes) -> None:
    entries, damaged = parse(data)
    assert len(entries) + damaged == data.count(b"\n")
    assert all(isinstance(entry, Entry) for entry in entries)
    steps_of(entries, alive=False)
    assert parse(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)) == (entries, 0)


@given(lines(AUDIT_KEYS, b'{"n":1,"time":"9999-12-31T23:59:59-23:59","hash":"x"}\n'))
@example(b'{"a":' * 50_000 + b"\n")
@settings(max_examples=100, deadline=None)
def test_an_audit_of_any_bytes_is_read_and_found_damaged(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "audit-000001.jsonl").write_bytes(data)
        (folder / "head").write_bytes(data[:80])
        for entry in Audit(folder).entries():
            assert isinstance(line_of(entry), str)
        _, wrong = verify(folder)
        assert wrong or not data


@given(st.lists(bytes_like([MARK, b"\n", b"a", b"\x1b[2J"]), max_size=6))
@settings(max_examples=100, deadline=None)
def test_steps_are_told_however_the_output_comes(chunks: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "output"
        marks, told = Marks(path), []
        for chunk in chunks:
            with path.open("ab") as file:
                file.write(chunk)
            told += marks.read()
        path.touch()
        told += marks.read(final=True)
    whole = [line for line in b"".join(chunks).split(b"\n") if line.startswith(MARK)]
    assert len(told) == min(len(whole), STEPS_MOST)
    assert not unsafe("\n".join(told))
