"""`midwatch start|stop|restart`, from outside: words, exit codes, JSON, and what supervisord says of it."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.program import PROGRAM, Ran, run
from tests.outside.pty_program import Dashboard
from tests.servers.supervisord_server import SupervisordServer
from tests.waiting import wait_until

pytestmark = pytest.mark.server

SLEEP = "command=sleep 600\nstartsecs=0\n"
ONCE = "command=sh -c '[ -e {0} ] && exit 3; touch {0}; exec sleep 600'\nstartsecs=1\nstartretries=0\n"
SLOW = "command=sh -c 'trap \"sleep 2; exit 0\" TERM; touch {0}; while :; do sleep 0.05; done'\nstartsecs=0\n"
CONFIG = """
default = "lab"
[context.lab]
arm = "always"
local = false
[context.lab.supervisord.main]
url = "{url}"
[context.prod]
local = false
[context.prod.supervisord.main]
url = "{url}"
[context.two]
arm = "always"
local = false
[context.two.supervisord.main]
url = "{url}"
[context.two.supervisord.other]
url = "{http}"
username = "watch"
password = "hunter2-of-the-test"
[context.gone]
arm = "always"
local = false
[context.gone.supervisord.main]
url = "unix:///nowhere/s.sock"
"""


class Lab:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        # `ring-2` comes up once; the second time it fails.
        programs = {f"ring-{n}": SLEEP for n in (1, 3)} | {"ring-2": ONCE.format(folder / "once")}
        programs |= {"slow": SLOW.format(folder / "slow")}
        programs |= {"web-1": SLEEP, "web-2": SLEEP, "alone": SLEEP, "idle": SLEEP + "autostart=false\n"}
        groups = {"ring": "ring-1,ring-2,ring-3", "web": "web-1,web-2", "half": "idle"}
        self.server = SupervisordServer(programs, groups)
        self.config.write_text(CONFIG.format(url=self.server.url, http=self.server.http))

    def midwatch(self, *words: str) -> Ran:
        return run(*words, "--config", str(self.config))

    @property
    def pids(self) -> dict[str, int | None]:
        return self.server.pids()

    @property
    def log(self) -> list[str]:
        """What supervisord did: its own log's words, without their times."""
        lines = (self.server.folder / "s.log").read_text().splitlines()
        return [line.split(" ", 3)[3] for line in lines]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("supervise"))
    with made.server:
        yield made


def test_restart_says_the_new_pid_and_zero(lab: Lab) -> None:
    before = lab.pids
    ran = lab.midwatch("restart", "alone", "--yes")
    after = lab.pids
    assert (ran.status, ran.err) == (0, "")
    assert re.fullmatch(rf"running as pid {after['alone']} after \d\.\d s\n", ran.out)
    assert after["alone"] != before["alone"]
    assert {name: pid for name, pid in after.items() if name != "alone"} == {
        name: pid for name, pid in before.items() if name != "alone"
    }


def test_stop_and_start_with_and_without_source_and_group(lab: Lab) -> None:
    for stop, start in (("web-1", "web:web-1"), ("supervisord/main/web:web-1", "supervisord/main:web:web-1")):
        stopped = lab.midwatch("stop", stop, "--yes")
        assert (stopped.status, stopped.err) == (0, ""), stop
        assert stopped.out.startswith("STOPPED after ")
        assert lab.pids["web:web-1"] is None
        started = lab.midwatch("start", start, "--yes")
        assert (started.status, started.err) == (0, ""), start
        assert lab.pids["web:web-1"] is not None
    idle = lab.midwatch("stop", "idle", "--yes")
    assert (idle.status, idle.out, idle.err) == (4, "", "refused: it does not run\n")


def test_a_group_one_by_one_and_one_document(lab: Lab) -> None:
    before, log = lab.pids, len(lab.log)
    ran = lab.midwatch("restart", "web:*", "--yes", "-o", "json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.document["kind"] == "restart"
    items = ran.document["items"]
    assert [(item["target"], item["outcome"]) for item in items] == [("web:web-1", "done"), ("web:web-2", "done")]
    assert items[0]["call"] == "supervisorctl restart web:web-1"
    assert "web has 2 of 2 running; 1 stays up meanwhile" in items[1]["consequences"]
    after = lab.pids
    assert all(after[name] != before[name] for name in ("web:web-1", "web:web-2"))
    done = [line for line in lab.log[log:] if "web-" in line and ("stopped:" in line or "spawned:" in line)]
    order = [re.sub(r"[^a-z]*(stopped|spawned): '?(web-\d).*", r"\1 \2", line) for line in done]
    assert order == ["stopped web-1", "spawned web-1", "stopped web-2", "spawned web-2"]


def test_a_group_stops_at_the_first_that_fails(lab: Lab) -> None:
    before = lab.pids
    ran = lab.midwatch("restart", "ring:*", "--yes")
    assert ran.status == 1
    first, second = ran.out.splitlines()
    assert first.startswith("ring:ring-1: running as pid ")
    assert second.startswith("ring:ring-2: FATAL: Exited too quickly")
    assert ran.err == "midwatch: 1 more was not tried\n"
    after = lab.pids
    assert after["ring:ring-2"] is None
    assert after["ring:ring-3"] == before["ring:ring-3"]
    # One that does not run can't be restarted: that is known before the first is touched.
    once_more = lab.midwatch("restart", "ring:*", "--yes")
    assert (once_more.status, once_more.out) == (4, "")
    assert once_more.err == "refused: ring:ring-2: it does not run\nmidwatch: 2 more were not tried\n"
    assert lab.pids == after


@pytest.mark.parametrize(
    ("words", "status", "expected"),
    [
        (("restart", "nothing"), 2, "no such unit: nothing; midwatch units lists them"),
        (("restart", "alon"), 2, "no such unit: alon; nearest is alone"),
        (("restart", "webb:*"), 2, "no such group: webb; nearest is web"),
        (("restart", "nothing:*"), 2, "no such group: nothing"),
        (("restart",), 2, "UNIT"),
        (("restart", "alone", "--context", "two"), 2, "alone fits 2 units, expected one of:"),
        (("restart", "web:*", "--context", "two"), 2, "web:* fits groups of 2 sources, expected one of:"),
        (("restart", "alone", "--context", "gone"), 3, "no such socket"),
        (("restart", "alone", "--context", "prod"), 4, "refused: this context is guarded"),
        (("restart", "alone", "--read-only"), 4, "refused: this context is read-only"),
    ],
)
def test_what_is_not_done(lab: Lab, words: tuple[str, ...], status: int, expected: str) -> None:
    before = lab.pids
    ran = lab.midwatch(*words, "--yes")
    assert ran.status == status
    assert expected in ran.out + ran.err
    assert "Traceback" not in ran.err
    assert lab.pids == before


def test_what_fits_several_is_named_in_full(lab: Lab) -> None:
    ran = lab.midwatch("stop", "alone", "--yes", "--context", "two")
    assert [line.split()[0] for line in ran.err.splitlines()[1:]] == [
        "supervisord/main/alone",
        "supervisord/other/alone",
    ]
    one = lab.midwatch("restart", "supervisord/other:web:*", "--yes", "--context", "two", "-o", "jsonl")
    assert one.status == 0
    assert [item["source"] for item in one.items] == ["supervisord/other"] * 2


def test_without_yes_nothing_and_a_terminal_is_asked(lab: Lab) -> None:
    before = lab.pids
    ran = lab.midwatch("restart", "alone")
    assert (ran.status, ran.err) == (4, "refused: nobody confirmed it (--yes, or a terminal to ask on)\n")
    for answer, status in (("\n", 4), ("y\n", 0)):
        with Dashboard("restart", "alone", "--config", str(lab.config)) as terminal:
            terminal.until("do it? [y/N]")
            for text in ("restart alone  ", "stops it, waits until it has ended", "supervisorctl restart alone"):
                assert text in terminal.text
            assert lab.pids == before
            terminal.send(answer)
            assert terminal.ended(15) == status
    assert "alone: told to stop" in terminal.text
    assert lab.pids["alone"] != before["alone"]


def test_a_supervisord_that_is_frozen_is_three_and_in_time(lab: Lab) -> None:
    before = lab.pids
    lab.server.send(signal.SIGSTOP)
    try:
        ran = run("restart", "alone", "--yes", "--timeout", "1", "--config", str(lab.config), seconds=15)
    finally:
        lab.server.send(signal.SIGCONT)
    assert (ran.status, ran.out) == (3, "")
    assert len(ran.err.splitlines()) == 1
    assert lab.pids == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_midwatch_may_end_between_the_stop_and_the_start(lab: Lab, number: signal.Signals) -> None:
    wait_until(lambda: (lab.folder / "slow").exists())
    before = lab.pids
    words = ["restart", "slow", "--yes", "--config", str(lab.config)]
    with subprocess.Popen([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: _stopping(lab))
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode == {signal.SIGINT: 130}.get(number, -number)
    wait_until(lambda: lab.pids["slow"] not in (None, before["slow"]))


def _stopping(lab: Lab) -> bool:
    return "STOPPING" in lab.server.control("status", "slow")


def test_help_names_them() -> None:
    for verb in ("start", "stop", "restart"):
        assert "--reason" in run(verb, "--help").out
