"""`midwatch signal`, from outside: its words, its exit codes, and what really happened to the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.program import Ran, run
from tests.outside.pty_program import Dashboard
from tests.servers.zoo import Zoo
from tests.waiting import wait_until

CONFIG = """
default = "lab"
[context.lab]
arm = "always"
[context.prod]
[context.quiet]
read_only = true
arm = "always"
[context.typed]
arm = "always"
confirm = "type"
[context.blind]
arm = "always"
local = false
"""
NOTES = """
import json, os
import backends.changes.audit as audit

def append(self, entry):
    with open(os.environ["AUDIT_NOTES"], "a") as file:
        row = [entry.outcome, entry.verb, entry.title, entry.target.name, entry.mode, entry.reason, entry.text]
        file.write(json.dumps(row) + "\\n")

audit.Audit.append = append
"""


class Lab:
    """A configuration, processes of its own, and the lines that the audit was given."""

    def __init__(self, folder: Path, zoo: Zoo) -> None:
        self.zoo = zoo
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG)
        (folder / "sitecustomize.py").write_text(NOTES)
        self.notes = folder / "notes"
        self.env = {"PYTHONPATH": str(folder), "AUDIT_NOTES": str(self.notes)}

    def signal(self, *words: str, env: dict[str, str] | None = None) -> Ran:
        return run("signal", *words, "--config", str(self.config), env={**self.env, **(env or {})})

    @property
    def audit(self) -> list[list[str]]:
        return [json.loads(line) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    @property
    def outcomes(self) -> list[str]:
        return [row[0] for row in self.audit]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Zoo() as zoo:
        yield Lab(tmp_path, zoo)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def named(pid: int) -> str:
    """The id of a process, as `processes -o json` prints it."""
    return str(next(item["id"] for item in run("processes", "-o", "jsonl").items if item["pid"] == pid))


def test_term_ends_it_and_zero(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    ran = lab.signal(str(pid), "TERM", "--yes")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("gone after 0.")
    assert not alive(pid)
    assert lab.outcomes == ["asked", "done"]
    again = lab.signal(str(pid), "TERM", "--yes")
    assert (again.status, again.out) == (1, f"no such process: {pid}\n")
    wrong = lab.signal("pytohn", "TERM")
    assert wrong.status == 1
    assert wrong.out.startswith("no such process: pytohn; nearest is py")


def test_a_signal_in_any_spelling_by_id_with_host_and_as_json(lab: Lab) -> None:
    pid = lab.zoo.polite()
    identity = named(pid)
    host = identity.split("/")[0]
    for target, word in ((identity, "hup"), (f"{host}:{pid}", "SigHup"), (str(pid), "1")):
        ran = lab.signal(target, word, "--yes", "-o", "json")
        assert (ran.status, ran.err) == (0, "")
        assert ran.document["kind"] == "signal"
        item = ran.document["items"][0]
        assert (item["title"], item["identity"], item["outcome"]) == ("SIGHUP", identity, "done")
        assert item["text"] == "still there: SIGHUP was delivered"
        assert item["call"] == f"kill -HUP {pid}"
    assert alive(pid)


def test_still_there_is_one_and_says_why(lab: Lab) -> None:
    pid = lab.zoo.deaf()
    ran = lab.signal(str(pid), "TERM", "--yes")
    assert (ran.status, ran.out) == (1, "still there after 5 s: it ignores SIGTERM\n")
    assert alive(pid)
    assert lab.outcomes == ["asked", "failed"]


def test_a_name_that_fits_several_is_two_with_the_list(lab: Lab) -> None:
    name = f"mw{os.getpid()}"
    os.symlink(
        subprocess.run(["which", "sleep"], capture_output=True, text=True, check=True).stdout.strip(),
        name_in(lab, name),
    )
    first = lab.zoo.run("one", name_in(lab, name), "60")
    second = lab.zoo.run("two", name_in(lab, name), "61")
    ran = lab.signal(name, "KILL", "--yes")
    assert (ran.status, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert lines[0] == f"midwatch: {name} fits 2 processes, expected the id of one:"
    assert sorted(int(line.split("/")[1]) for line in lines[1:]) == sorted([first, second])
    assert alive(first)
    assert alive(second)
    lab.zoo.end("two")
    assert lab.signal(name, "KILL", "--yes").status == 0
    assert not alive(first)


def name_in(lab: Lab, name: str) -> str:
    return str(lab.config.parent / name)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["1", "TREM", "--yes"], "nearest is TERM"),
        (["1", "99", "--yes"], "'99' is no signal"),
        (["1"], "SIG"),
        ([], "TARGET"),
        (["1", "TERM", "--yes", "--context", "nowhere"], "no context 'nowhere'"),
    ],
)
def test_wrong_words_are_two(lab: Lab, words: list[str], expected: str) -> None:
    ran = lab.signal(*words)
    assert (ran.status, ran.out) == (2, "")
    assert expected in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert lab.audit == []


def test_pid_one_and_our_own_parents_are_refused(lab: Lab) -> None:
    for pid, why in ((1, "it is pid 1"), (os.getpid(), "midwatch runs below it")):
        ran = lab.signal(str(pid), "CONT", "--yes")
        assert (ran.status, ran.out) == (4, "")
        assert ran.err.startswith(f"refused: {why}")
    assert [row[0] for row in lab.audit] == ["refused", "refused"]


def test_without_yes_and_without_a_terminal_nothing_happens(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    ran = lab.signal(str(pid), "TERM")
    assert (ran.status, ran.out) == (4, "")
    assert ran.err == "refused: nobody confirmed it (--yes, or a terminal to ask on)\n"
    assert alive(pid)
    assert [(row[0], row[-1]) for row in lab.audit] == [("refused", "nobody confirmed it")]


def test_a_guarded_context_wants_a_reason(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    ran = lab.signal(str(pid), "TERM", "--yes", "--context", "prod")
    assert (ran.status, ran.out) == (4, "")
    assert ran.err == "refused: this context is guarded: an action needs a reason (--reason TEXT)\n"
    assert alive(pid)
    done = lab.signal(str(pid), "TERM", "--yes", "--context", "prod", "--reason", "it leaks")
    assert done.status == 0
    assert not alive(pid)
    assert [row[0] for row in lab.audit] == ["refused", "asked", "done"]
    assert lab.audit[-1][5] == "it leaks"


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--read-only"], {}),
        ([], {"MIDWATCH_READ_ONLY": "1"}),
        (["--context", "quiet"], {}),
        (["--context", "quiet", "--reason", "please"], {}),
    ],
)
def test_read_only_in_each_way_is_four(lab: Lab, words: list[str], env: dict[str, str]) -> None:
    pid = lab.zoo.mortal()
    ran = lab.signal(str(pid), "KILL", "--yes", *words, env=env)
    assert (ran.status, ran.out) == (4, "")
    assert ran.err == "refused: this context is read-only (nothing inside midwatch lifts that)\n"
    assert alive(pid)
    assert lab.outcomes == ["refused"]


def test_a_name_that_must_be_typed_can_not_be_without_a_terminal(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    ran = lab.signal(str(pid), "TERM", "--yes", "--context", "typed")
    assert (ran.status, ran.err) == (4, "refused: type its name, sleep\n")
    assert alive(pid)


def test_a_context_without_processes_is_three(lab: Lab) -> None:
    ran = lab.signal("1", "TERM", "--yes", "--context", "blind")
    assert (ran.status, ran.out) == (3, "")
    assert "nothing in this context can change processes" in ran.err


@pytest.mark.parametrize(("answer", "status"), [("\n", 4), ("yess\n", 4), ("y\n", 0)])
def test_a_terminal_is_asked_and_no_is_what_enter_means(lab: Lab, answer: str, status: int) -> None:
    pid = lab.zoo.mortal()
    with on_terminal(lab, str(pid), "TERM") as terminal:
        terminal.until("do it? [y/N]")
        for text in (
            "SIGTERM to sleep",
            named(pid),
            "does not handle SIGTERM, which ends it",
            f"kill -TERM {pid}",
            " old; armed",
        ):
            assert text in terminal.text
        assert alive(pid)
        terminal.send(answer)
        assert terminal.ended(10) == status
        assert ("gone after" if status == 0 else "refused: cancelled") in terminal.text
    assert alive(pid) is (status != 0)
    assert [row[0] for row in lab.audit] == (["asked", "done"] if status == 0 else ["refused"])


def test_ctrl_c_at_the_question_changes_nothing(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    with on_terminal(lab, str(pid), "TERM") as terminal:
        terminal.until("do it? [y/N]")
        terminal.send("\x03")
        assert terminal.ended(10) == 130
        assert "Traceback" not in terminal.text
    assert alive(pid)


def test_what_went_away_while_it_was_asked_is_refused(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    with on_terminal(lab, str(pid), "TERM") as terminal:
        terminal.until("do it? [y/N]")
        lab.zoo.end("mortal")
        wait_until(lambda: not alive(pid))
        terminal.send("y\n")
        assert terminal.ended(10) in (1, 4)
        # The parent went too: until somebody else collects it, it may be a zombie.
        assert any(text in terminal.text for text in ("not there any more", "no such process", "zombie"))


def test_the_name_is_typed_on_a_terminal(lab: Lab) -> None:
    pid = lab.zoo.mortal()
    for typed, status in (("slep\n", 4), ("sleep\n", 0)):
        with on_terminal(lab, str(pid), "TERM", "--yes", "--context", "typed") as terminal:
            terminal.until("type its name, sleep, to do it:")
            assert alive(pid)
            terminal.send(typed)
            assert terminal.ended(10) == status
    assert not alive(pid)


def on_terminal(lab: Lab, *words: str) -> Dashboard:
    return Dashboard("signal", *words, "--config", str(lab.config), env=lab.env)


DROPPED = """
import os, sys
from tui.cli import main
# What is imported while it runs must be imported before: another account may not read this environment.
main(["signal", "nothing-is-called-this", "TERM", *sys.argv[2:]])
os.setgroups([])
os.setresuid(65534, 65534, 65534)
sys.exit(main(["signal", sys.argv[1], "TERM", "--yes", *sys.argv[2:]]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_users_process_is_one_and_names_its_owner() -> None:
    # Not below pytest's own folder, which it closes to all others.
    with tempfile.TemporaryDirectory() as folder, Zoo() as zoo:
        os.chmod(folder, 0o755)
        lab = Lab(Path(folder), zoo)
        lab.notes.touch()
        lab.notes.chmod(0o666)
        pid = zoo.deaf()
        argv = [sys.executable, "-c", DROPPED, str(pid), "--config", str(lab.config)]
        env = {**os.environ, **lab.env}
        done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False, timeout=30)
        assert done.returncode == 1, done.stderr
        assert f"pid {pid}: not permitted: it belongs to root, midwatch runs as " in done.stdout
        assert alive(pid)
        assert lab.outcomes == ["asked", "failed"]


def test_help_names_it() -> None:
    assert "signal" in run("--help").out
    assert "--reason" in run("signal", "--help").out
