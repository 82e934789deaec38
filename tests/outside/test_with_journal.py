"""The program against a real journal: what people read, what scripts read, and what is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outside.program import run
from tests.servers.journal import Journal, journalctl

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("journal")
    with Journal(folder) as journal:
        journal.write(["two\nlines"], __REALTIME_TIMESTAMP="1577844000000000")
        journal.write(['say "no" 404\x1b[2J'], PRIORITY="3", _SYSTEMD_UNIT="web.service")
        journal.write(["fine"], _SYSTEMD_UNIT="db.service")
    path = Path(folder) / "config.toml"
    path.write_text(
        f'[context.lab]\nlocal = false\n[context.lab.journald.main]\nfiles = ["{journal.pattern}"]\n'
        f'program = "{journalctl()}"\n'
    )
    return str(path)


def test_text_is_a_line_for_people(config: str) -> None:
    ran = run("logs", "journald/main", "--config", config)
    assert (ran.status, ran.err) == (0, "")
    first, second, third = ran.out.splitlines()
    assert first == "2020-01-01T02:00:00+0000 h1 web[42]: two ⏎ lines"
    assert second.endswith('web[42]: say "no" 404')
    assert third.endswith("web[42]: fine")


def test_records_are_whole_for_scripts(config: str) -> None:
    document = run("logs", "--config", config, "-o", "json", "--level", "error").document
    (item,) = document["items"]
    assert (document["kind"], document["context"]) == ("logs", "lab")
    assert [(one["source"], one["state"]) for one in document["readings"]] == [("journald/main", "live")]
    assert (item["message"], item["level"], item["format"]) == ('say "no" 404\x1b[2J', "error", "journald")
    assert item["fields"]["unit"] == "web.service"
    assert '"__CURSOR"' in item["raw"]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--grep", 'say "no"'), 1),
        (("--grep", "__CURSOR|_BOOT_ID"), 0),
        (("--field", "unit=db.service"), 1),
        (("--since", "1h"), 2),
    ],
)
def test_choosing(config: str, words: tuple[str, ...], count: int) -> None:
    ran = run("logs", "main", "--config", config, *words)
    assert ran.status == 0
    assert len(ran.out.splitlines()) == count


def test_a_wrong_setting_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[context.lab.journald.main]\npriority = "worst"\n')
    ran = run("logs", "--config", str(path))
    assert ran.status == 2
    assert "Expected one of emerg, alert" in ran.err or "expected one of emerg, alert" in ran.err
