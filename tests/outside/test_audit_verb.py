"""`audit` and `audit verify` from the command line: what they say, and with which status they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.changes.audit import Audit
from tests.outside.program import Ran, run
from tests.unit.test_audit import entry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "midwatch" / "audit"


def midwatch(folder: Path, *words: str) -> Ran:
    return run("audit", *words, env={"XDG_STATE_HOME": str(folder.parents[1])})


def test_of_no_lines_it_claims_nothing(folder: Path) -> None:
    ran = midwatch(folder, "verify")
    assert ran.status == 0
    first, *blind = ran.out.splitlines()
    assert first == f"{folder}: no lines: nothing was ever written, or all of it was removed"
    assert len(blind) == 2
    assert "everything removed" in blind[0]
    assert max(map(len, blind)) < 120


def test_lines_that_were_cut_off_are_told_then_and_ever_after(folder: Path) -> None:
    for text in ("one", "two"):
        Audit(folder).append(entry(text))
    assert f"{folder}: 2 lines, whole\n" in midwatch(folder, "verify").out
    path = folder / "audit-000001.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    ran = midwatch(folder, "verify")
    assert (ran.status, ran.out.splitlines()[0]) == (1, "1 line is missing at the end: it once had 2")
    Audit(folder).append(entry("three"))
    ran = midwatch(folder, "verify")
    assert (ran.status, len(ran.out.splitlines())) == (1, 4)
    assert "3 lines, 1 damaged place" in ran.out
    [_, told, last] = midwatch(folder).out.splitlines()
    assert "the audit  it did not end where its note `head` says: 2 lines expected" in told
    assert "three" in last
    assert midwatch(folder, "verify", "-o", "json").document["lines"] == 3


def test_a_context_that_is_named_is_the_only_one_that_is_told(folder: Path) -> None:
    for context in ("guarded", "lab", "guarded"):
        Audit(folder).append(replace(entry(f"in {context}"), context=context))
    assert len(midwatch(folder).out.splitlines()) == 3
    lines = midwatch(folder, "--context", "guarded").out.splitlines()
    assert len(lines) == 2
    assert all("in guarded" in line for line in lines)
    items = midwatch(folder, "--context", "lab", "-o", "json").document["items"]
    assert [item["context"] for item in items] == ["lab"]
    assert midwatch(folder, "--context", "nope").out == "nothing has been tried in nope\n"
    assert "3 lines, whole" in midwatch(folder, "verify", "--context", "lab").out
