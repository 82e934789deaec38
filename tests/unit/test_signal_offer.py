"""What is said of a signal before it is sent: what this process does with it, what its program is known for."""

from __future__ import annotations

from signal import Signals

import pytest

from backends.api.actions import Action, Danger, Target
from backends.processes.handling import Fate, Handling, parse_handling
from backends.processes.signal_lore import OTHER_NAMES, PROGRAMS, TITLES, called, recognise
from backends.processes.signal_offer import Subject, named, offers

STATUS = b"""Name:\tworker
State:\tS (sleeping)
NSpid:\t%(inner)s
Threads:\t%(threads)d
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000200
SigBlk:\t%(blocked)016x
SigIgn:\t%(ignored)016x
SigCgt:\t%(caught)016x
"""


def mask(*numbers: Signals) -> int:
    return sum(1 << (number - 1) for number in numbers)


def handling(
    *caught: Signals, ignored: int = 0, blocked: int = 0, threads: int = 1, inner: bytes = b"7"
) -> Handling:
    fields = {"inner": inner, "threads": threads, "blocked": blocked, "ignored": ignored, "caught": mask(*caught)}
    return parse_handling(STATUS % {key.encode(): value for key, value in fields.items()})


def offered(
    to: Handling, name: str = "worker", command: str = "worker", *, state: str = "S", go: bool = False
) -> dict[str, Action]:
    target = Target("local/host", "processes", "h/7/1/b", name, "h/7/1/b", "h")
    subject = Subject(target, 7, command, state, to, recognise(name, command, go=go))
    return {action.title: action for action in offers(subject, pinned=True, blocked="")}


def expected(action: Action) -> str:
    return dict(action.arguments)["expected"]


TERM, HUP, USR1, QUIT, WINCH = (
    Signals.SIGTERM,
    Signals.SIGHUP,
    Signals.SIGUSR1,
    Signals.SIGQUIT,
    Signals.SIGWINCH,
)


@pytest.mark.parametrize(
    ("to", "number", "fate"),
    [
        (handling(), TERM, Fate.ENDS),
        (handling(TERM), TERM, Fate.CATCHES),
        (handling(ignored=mask(TERM)), TERM, Fate.IGNORES),
        (handling(blocked=mask(TERM)), TERM, Fate.HOLDS),
        (handling(TERM, blocked=mask(TERM)), TERM, Fate.HOLDS),
        (handling(TERM, blocked=mask(TERM), threads=4), TERM, Fate.CATCHES),
        (handling(inner=b"900\t1"), TERM, Fate.DROPPED),
        (handling(TERM, inner=b"900\t1"), TERM, Fate.CATCHES),
        (handling(inner=b"900\t1"), Signals.SIGKILL, Fate.ENDS),
        (handling(inner=b"900\t8"), TERM, Fate.ENDS),
        (handling(ignored=mask(Signals.SIGKILL)), Signals.SIGKILL, Fate.ENDS),
        (handling(), QUIT, Fate.DUMPS),
        (handling(), Signals.SIGTSTP, Fate.STOPS),
        (handling(), WINCH, Fate.UNNOTICED),
        (handling(Signals.SIGCONT), Signals.SIGCONT, Fate.GOES_ON),
    ],
)
def test_what_a_process_does_with_a_signal(to: Handling, number: Signals, fate: Fate) -> None:
    assert to.fate(number) is fate


def test_a_status_that_is_cut_short_is_no_guess() -> None:
    with pytest.raises(ValueError, match="SigCgt"):
        parse_handling(b"Name:\tx\nThreads:\t1\n")
    assert handling().waits(Signals.SIGUSR1)
    assert not handling().waits(TERM)


def test_term_is_first_and_kill_is_last_and_what_nobody_catches_is_left_out() -> None:
    titles = list(offered(handling()))
    assert titles[0] == "SIGTERM"
    assert titles[-1] == "SIGKILL"
    assert "SIGWINCH" not in titles
    assert "SIGWINCH" in offered(handling(WINCH))


def test_only_term_leads_on_to_kill_and_kill_is_grave() -> None:
    found = offered(handling())
    assert {title: action.escalation for title, action in found.items() if action.escalation} == {
        "SIGTERM": "SIGKILL"
    }
    assert found["SIGKILL"].danger is Danger.GRAVE
    assert found["SIGTERM"].danger is Danger.NORMAL


def test_a_reload_that_nobody_handles_is_a_death() -> None:
    found = offered(handling())["SIGHUP"]
    assert (expected(found), found.danger) == ("end", Danger.GRAVE)
    # What is said of it in general (that daemons reload by it) would belie that.
    assert found.effect == "it does not handle SIGHUP, which ends it"
    caught = offered(handling(HUP))["SIGHUP"]
    assert (expected(caught), caught.danger) == ("stay", Danger.MILD)


def test_what_is_expected_afterwards() -> None:
    found = offered(handling(TERM, USR1))
    wanted = {"SIGTERM": "end", "SIGUSR1": "stay", "SIGSTOP": "stop", "SIGCONT": "go on", "SIGKILL": "end"}
    assert {title: expected(found[title]) for title in wanted} == wanted


def test_a_stopped_process_and_the_first_of_a_container_are_told_of() -> None:
    assert "only after SIGCONT" in offered(handling(TERM), state="T")["SIGTERM"].caution
    assert "only after" not in offered(handling(TERM), state="T")["SIGKILL"].caution
    assert "(state D)" in offered(handling(), state="D")["SIGTERM"].caution
    container = offered(handling(TERM, inner=b"900\t1"))
    assert "pid 1 of a container" in container["SIGTERM"].caution


@pytest.mark.parametrize(
    ("name", "command", "go", "programs"),
    [
        ("nginx", "nginx: master process /usr/sbin/nginx -g daemon off;", False, ("nginx",)),
        ("nginx", "nginx: worker process", False, ("nginx worker",)),
        ("postgres", "/usr/lib/postgresql/15/bin/postgres -D /var/lib", False, ("postgres",)),
        ("postgres", "postgres: shop app 10.0.0.3(5123) idle", False, ("postgres session",)),
        ("sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", False, ("sshd",)),
        ("sshd", "sshd: ops1@pts/0", False, ("sshd session",)),
        ("python3.11", "/usr/bin/python3.11 -m gunicorn shop.web", False, ("gunicorn", "python")),
        ("celery", "/opt/venv/bin/python3 /opt/venv/bin/celery -A shop worker", False, ("celery", "python")),
        ("python3", "python3 worker.py", False, ("python",)),
        ("java", "/usr/bin/java -Xmx1g -jar x.jar", False, ("java",)),
        ("apache2", "/usr/sbin/apache2 -k start", False, ("apache2",)),
        ("httpd", "/usr/sbin/httpd -DFOREGROUND", False, ("apache2",)),
        ("php-fpm8.2", "php-fpm: master process (/etc/php/8.2)", False, ("php-fpm",)),
        ("etcd", "/usr/bin/etcd --name m0", True, ("etcd", "Go")),
        ("shopd", "/opt/shopd", True, ("Go",)),
        ("worker", "/opt/worker --port 1", False, ()),
        ("", "", False, ()),
    ],
)
def test_what_a_process_goes_by(name: str, command: str, go: bool, programs: tuple[str, ...]) -> None:
    assert recognise(name, command, go=go) == programs


def test_what_a_program_is_known_for_changes_what_is_expected() -> None:
    nginx = offered(handling(TERM, HUP, QUIT, USR1), "nginx", "nginx: master process x")
    assert "nginx: reads its configuration again" in nginx["SIGHUP"].caution
    assert (expected(nginx["SIGQUIT"]), nginx["SIGQUIT"].danger) == ("end", Danger.NORMAL)
    java = offered(handling(TERM, QUIT), "java", "java -jar x")["SIGQUIT"]
    assert (expected(java), java.danger) == ("stay", Danger.MILD)
    assert "stacks of all threads" in java.caution
    go = offered(handling(TERM, QUIT), "shopd", "shopd", go=True)["SIGQUIT"]
    assert (expected(go), go.danger) == ("end", Danger.GRAVE)
    assert "exits with 2" in go.caution
    # An nginx that does not catch HUP would die of it, whatever nginx is known for.
    deaf = offered(handling(), "nginx", "nginx: master process x")["SIGHUP"]
    assert (expected(deaf), deaf.danger) == ("end", Danger.GRAVE)


def test_the_lore_is_about_programs_and_signals_that_exist() -> None:
    names = {number.name.removeprefix("SIG") for number in Signals}
    for program, rows in PROGRAMS.items():
        assert rows, program
        assert set(rows) <= names
        for text in (row.text for row in rows.values()):
            assert not text.endswith(".")
            assert len(text) < 100, text
    assert {*OTHER_NAMES.values(), *(known for _, known in TITLES)} <= set(PROGRAMS)


@pytest.mark.parametrize(
    ("word", "number"),
    [("TERM", TERM), ("sigterm", TERM), ("SigHup", HUP), ("15", TERM), ("0", None), ("TREM", None), ("", None)],
)
def test_a_signals_name(word: str, number: Signals | None) -> None:
    assert named(word) is number


@pytest.mark.parametrize(
    ("name", "command", "is_called"),
    [
        ("python", "/usr/bin/python3 -u /usr/bin/supervisord -n -c /etc/s.conf", "supervisord"),
        ("python3.11", "python3.11 -m supervisor.supervisord -n", "supervisord"),
        ("python", "python -c import time; time.sleep(60)", "python"),
        ("python", "python", "python"),
        ("runsv", "runsv web", "runsv"),
        ("java", "java -jar /opt/app.jar", "java"),
        ("ruby", "ruby /opt/god.rb", "god"),
    ],
)
def test_who_starts_it_again_is_called_by_its_program_not_by_its_interpreter(
    name: str, command: str, is_called: str
) -> None:
    assert called(name, command) == is_called
