"""What the files of a journal prove by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.logs.journal_touch import Touch


def test_what_was_proved_holds_until_a_file_is_written_to(tmp_path: Path) -> None:
    file = tmp_path / "a.journal"
    file.write_bytes(b"one")
    touch = Touch([f"{tmp_path}/*.journal"])
    assert not touch.untouched()
    touch.proved()
    assert touch.untouched()
    file.write_bytes(b"three")
    assert not touch.untouched()


def test_what_was_written_after_the_last_look_is_not_proved(tmp_path: Path) -> None:
    file = tmp_path / "a.journal"
    file.write_bytes(b"one")
    touch = Touch([str(file)])
    touch.untouched()
    file.write_bytes(b"three")
    touch.proved()
    assert not touch.untouched()


@pytest.mark.parametrize("other", ["{b,c}.journal", "none.journal"])
def test_a_pattern_that_leads_to_nothing_proves_nothing(tmp_path: Path, other: str) -> None:
    (tmp_path / "a.journal").write_bytes(b"one")
    touch = Touch([f"{tmp_path}/a.journal", f"{tmp_path}/{other}"])
    for _ in range(2):
        assert not touch.untouched()
        touch.proved()
