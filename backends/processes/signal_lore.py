"""What known programs do with a signal, as data; each with the place that says so.

A sentence goes on from the program's name ("nginx: reads its configuration again"). `ends` says whether the
signal is meant to end it, where that is not what the signal mostly means; `danger` likewise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from backends.api.actions import Danger


class Lore(Struct, frozen=True):
    text: str
    ends: bool | None = None
    danger: Danger | None = None


def _on(text: str) -> Lore:
    """It lives on."""
    return Lore(text, ends=False, danger=Danger.MILD)


def _end(text: str, danger: Danger = Danger.NORMAL) -> Lore:
    return Lore(text, ends=True, danger=danger)


RELOAD = _on("reads its configuration again")
REOPEN = _on("opens its logs anew, as after a rotation")

PROGRAMS: Mapping[str, Mapping[str, Lore]] = {
    # nginx.org/en/docs/control.html
    "nginx": {
        "TERM": _end("ends at once and cuts off the requests that run; SIGQUIT lets them finish"),
        "INT": _end("ends at once and cuts off the requests that run; SIGQUIT lets them finish"),
        "QUIT": _end("finishes the requests that run, then ends"),
        "HUP": _on("reads its configuration again; new workers begin, old ones finish their requests"),
        "USR1": REOPEN,
        "USR2": _on("starts its new executable beside the old one (upgrade)"),
        "WINCH": Lore("lets its workers finish and end, and stays without any", False, Danger.NORMAL),
    },
    "nginx worker": {
        "TERM": _end("cuts off its requests and ends; the master starts another"),
        "INT": _end("cuts off its requests and ends; the master starts another"),
        "QUIT": _end("finishes its requests and ends; the master starts another"),
        "USR1": REOPEN,
    },
    # httpd.apache.org/docs/2.4/stopping.html
    "apache2": {
        "TERM": _end("ends at once with all its children; SIGWINCH lets requests finish"),
        "HUP": _on("restarts at once: requests that run are cut off; SIGUSR1 lets them finish"),
        "USR1": _on("restarts gracefully: children finish their requests, then read the new configuration"),
        "WINCH": _end("finishes the requests that run, then ends"),
    },
    # docs.haproxy.org, management.txt, 4 "Stopping and restarting HAProxy"
    "haproxy": {
        "TERM": _end("cuts all connections and ends; SIGUSR1 lets them finish"),
        "INT": _end("cuts all connections and ends; SIGUSR1 lets them finish"),
        "USR1": _end("stops listening, ends when its last connection is over (which may take long)"),
        "USR2": _on("reloads, if it is the master of a master-worker setup"),
        "HUP": _on("a master reloads; a worker writes its servers' states to its logs"),
        "QUIT": _on("writes the state of its memory pools to stderr"),
        "TTOU": _on("stops accepting connections until SIGTTIN"),
        "TTIN": _on("accepts connections again after SIGTTOU"),
    },
    # postgresql.org/docs/current/server-shutdown.html and app-postgres.html
    "postgres": {
        "TERM": _end("smart shutdown: refuses new sessions and ends when the last one is over"),
        "INT": _end("fast shutdown: rolls back what runs, then ends in order"),
        "QUIT": _end("immediate shutdown: no checkpoint, it recovers at its next start", Danger.GRAVE),
        "HUP": RELOAD,
        "KILL": _end("leaves its children and shared memory behind; SIGINT or SIGQUIT instead", Danger.GRAVE),
    },
    "postgres session": {
        "TERM": _end("rolls back and ends this session"),
        "INT": _on("cancels the query that it runs; the session stays"),
        "HUP": RELOAD,
        "QUIT": _end("ends without cleaning up; the server ends ALL sessions and recovers", Danger.GRAVE),
        "KILL": _end("ends without cleaning up; the server ends ALL sessions and recovers", Danger.GRAVE),
    },
    # dev.mysql.com/doc/refman/8.0/en/unix-signal-response.html
    "mysqld": {
        "TERM": _end("shuts down in order, which may take minutes; SIGKILL means recovery at its next start"),
        "HUP": _on("reloads its grant tables and flushes tables, logs and host cache"),
        "USR1": _on("flushes and opens anew its error, general and slow query logs"),
    },
    # redis.io/docs/latest/operate/oss_and_stack/reference/signals
    "redis-server": {
        "TERM": _end("ends after a last save, where saving is configured; data not saved else is lost"),
        "INT": _end("ends after a last save, where saving is configured; data not saved else is lost"),
    },
    # etcd's server/etcdmain and pkg/osutil: INT and TERM stop it in order, a leader hands over first
    "etcd": {
        "TERM": _end("a leader hands over, then it ends: this member is gone from the quorum"),
        "INT": _end("a leader hands over, then it ends: this member is gone from the quorum"),
    },
    # prometheus.io/docs/prometheus/latest/configuration/configuration and …/management_api
    "prometheus": {
        "HUP": _on("reads its configuration and rules again; a wrong one is refused, the old one stays"),
        "TERM": _end("ends in order; scraping stops and alerts are not evaluated until it is back"),
    },
    "alertmanager": {"HUP": _on("reads its configuration again; a wrong one is refused, the old one stays")},
    # github.com/hashicorp/serf, docs of the agent: leave_on_terminate, skip_leave_on_interrupt
    "serf": {
        "HUP": RELOAD,
        "INT": _end("leaves its cluster, then ends"),
        "TERM": _end("ends without leaving, so that the others see it fail, unless leave_on_terminate is set"),
    },
    # supervisord.org/running.html#signal-handlers
    "supervisord": {
        "TERM": _end("ends, and with it every program that it keeps running"),
        "INT": _end("ends, and with it every program that it keeps running"),
        "QUIT": _end("ends, and with it every program that it keeps running"),
        "HUP": Lore("stops every program, reads its configuration, starts them all again", False, Danger.NORMAL),
        "USR2": REOPEN,
    },
    # smarden.org/runit/runsv.8, runsvdir.8
    "runsv": {"TERM": _end("ends its service, then itself; runsvdir starts it again")},
    "runsvdir": {
        "TERM": _end("ends, and leaves its runsv and their services running"),
        "HUP": _end("ends every service below it, then itself"),
    },
    # sshd(8)
    "sshd": {
        "TERM": _end("nobody can log in any more; sessions that are open stay"),
        "HUP": _on("executes itself again with its new configuration; sessions stay, a mistake in it ends sshd"),
    },
    "sshd session": {
        "TERM": _end("ends this login"),
        "HUP": _end("ends this login"),
    },
    # rsyslogd(8); HUP does not read the configuration
    "rsyslogd": {"HUP": _on("closes and opens its files, as after a rotation; not its configuration")},
    # systemd-journald.service(8)
    "systemd-journald": {
        "USR1": _on("writes the journal of /run to /var"),
        "USR2": _on("rotates the journal"),
    },
    # systemd(1): of a user's manager; pid 1 is never offered
    "systemd": {
        "TERM": _end("ends this user's services and session"),
        "HUP": _on("reads all units again (daemon-reload)"),
    },
    # docs.docker.com/reference/cli/dockerd: "Daemon configuration file", live-restore
    "dockerd": {
        "HUP": _on("reads what of its configuration can be read again"),
        "TERM": _end("ends its containers too, unless live-restore is on"),
    },
    # bind9.readthedocs.io, named(8)
    "named": {"HUP": _on("reads its configuration and zones again (rndc reload is better)")},
    # dnsmasq(8)
    "dnsmasq": {
        "HUP": _on("forgets its cache, reads hosts and leases again; not its configuration"),
        "USR1": _on("writes its statistics to the log"),
        "USR2": REOPEN,
    },
    # keepalived(8)
    "keepalived": {
        "HUP": RELOAD,
        "USR1": _on("writes its state to a file"),
        "USR2": _on("writes its statistics to a file"),
    },
    # gunicorn.org, docs "Signal Handling"
    "gunicorn": {
        "TERM": _end("waits for its workers to finish their requests, then ends"),
        "QUIT": _end("ends at once and cuts off the requests that run"),
        "INT": _end("ends at once and cuts off the requests that run"),
        "HUP": _on("reads its configuration again and replaces its workers one by one"),
        "USR1": REOPEN,
        "USR2": _on("starts its new version beside the old one"),
        "TTIN": _on("adds a worker"),
        "TTOU": _on("takes one worker away"),
    },
    # uwsgi-docs.readthedocs.io/en/latest/Management.html
    "uwsgi": {
        "TERM": Lore(
            "RELOADS all workers at once, and does not end, unless die-on-term is set", None, Danger.NORMAL
        ),
        "INT": _end("ends at once with all its workers"),
        "QUIT": _end("ends at once with all its workers"),
        "HUP": _on("reloads gracefully"),
        "USR1": _on("prints its statistics"),
    },
    # php.net's php-fpm(8)
    "php-fpm": {
        "TERM": _end("ends at once; SIGQUIT lets requests finish"),
        "INT": _end("ends at once; SIGQUIT lets requests finish"),
        "QUIT": _end("finishes the requests that run, then ends"),
        "USR1": REOPEN,
        "USR2": _on("reloads its workers, configuration and binary"),
    },
    # github.com/puma/puma, docs/signals.md
    "puma": {
        "TERM": _end("finishes the requests that run, then ends"),
        "HUP": _on("opens its logs anew, where they are redirected; else it ends"),
        "USR1": _on("restarts its workers one by one, in a cluster (phased restart)"),
        "USR2": _on("restarts, with its sockets kept open"),
    },
    # github.com/sidekiq/sidekiq/wiki/Signals
    "sidekiq": {
        "TERM": _end("gives its jobs 25 s, puts the unfinished ones back, then ends"),
        "TSTP": _on("takes no new jobs, and goes on with those it has"),
        "TTIN": _on("writes the stacks of all threads to its log"),
    },
    # docs.celeryq.dev, userguide/workers: "Process Signals"
    "celery": {
        "TERM": _end("finishes the tasks that run, however long that takes, then ends"),
        "QUIT": _end("ends at once; tasks that run are lost or done again", Danger.GRAVE),
        "USR1": _on("writes the stacks of all threads"),
    },
    # tmux(1), SIGNALS
    "tmux": {
        "TERM": _end("ends every session in it and what runs there", Danger.GRAVE),
        "USR1": _on("makes its socket anew where somebody deleted it"),
    },
    # docs.oracle.com, "Java SE Troubleshooting Guide", signals of the Java VM
    "java": {
        "QUIT": _on("prints the stacks of all threads to its stdout and goes on"),
        "TERM": _end("runs its shutdown hooks, then ends with 143"),
        "INT": _end("runs its shutdown hooks, then ends with 130"),
        "HUP": _end("runs its shutdown hooks, then ends with 129"),
    },
    # nodejs.org/api/process.html#signal-events
    "node": {
        "USR1": Lore("opens its debugger on 127.0.0.1:9229: who reaches it runs code", False, Danger.NORMAL)
    },
    # docs.python.org/3/library/signal.html: only SIGINT has a handler of Python's own
    "python": {
        "INT": _end("raises KeyboardInterrupt: clean-up runs"),
    },
    # pkg.go.dev/os/signal, "Default behavior of signals in Go programs"
    "Go": {
        "QUIT": _end("writes the stacks of all goroutines to stderr and exits with 2", Danger.GRAVE),
        "ABRT": _end("writes the stacks of all goroutines to stderr and exits with 2", Danger.GRAVE),
        "HUP": Lore(
            "ends by it, unless its authors ask for it: Go's runtime catches every signal", None, Danger.NORMAL
        ),
        "USR1": _on("does nothing with it, unless its authors ask for it: Go's runtime catches every signal"),
        "USR2": _on("does nothing with it, unless its authors ask for it: Go's runtime catches every signal"),
    },
}

OTHER_NAMES = {
    "httpd": "apache2",
    "mariadbd": "mysqld",
    "nodejs": "node",
    "postmaster": "postgres",
    "tmux: server": "tmux",
    "valkey-server": "redis-server",
}
TITLES = (
    ("nginx: master", "nginx"),
    ("nginx: worker", "nginx worker"),
    ("postgres: ", "postgres session"),
    ("gunicorn: master", "gunicorn"),
    ("php-fpm: master", "php-fpm"),
    ("sshd: /", "sshd"),
    ("sshd: ", "sshd session"),
    ("puma ", "puma"),
    ("sidekiq ", "sidekiq"),
)
"""Titles that programs give themselves, by how they begin."""
RUNTIMES = ("python", "node", "java", "ruby", "perl")


def recognise(name: str, command: str, *, go: bool = False) -> tuple[str, ...]:
    """The names in `PROGRAMS` that a process goes by, the most exact first: its title or program, the script or
    module that an interpreter runs, its language's runtime."""
    for beginning, known in TITLES:
        if command.startswith(beginning):
            return (known,)
    words = command.split(" ")
    found = [_plain(words[0]), _plain(name)]
    if found[0] in RUNTIMES:
        script = next((word for word in words[1:] if word and not word.startswith("-")), "")
        # `python -m package.module`
        found = [part for part in (_plain(script), script.partition(".")[0], *found) if part]
    if go:
        found.append("Go")
    known_names = [OTHER_NAMES.get(part, part) for part in found]
    return tuple(dict.fromkeys(part for part in known_names if part in PROGRAMS))


def called(name: str, command: str) -> str:
    """What people call a process: the script or the module that an interpreter runs (`supervisord`, where `name`
    is `python`), else its name."""
    words = command.split(" ")
    if _plain(words[0]) not in RUNTIMES:
        return name
    for option, word in pairwise(words):
        if option in ("-c", "-e", "-jar"):
            return name
        if option == "-m":
            return word.rpartition(".")[2] or name
        if word and not word.startswith("-"):
            return _plain(word) if re.fullmatch(r"[\w./+-]+", word) else name
    return name


def _plain(word: str) -> str:
    """A program's name without folder, version and ending (`/usr/bin/python3.11` → `python`)."""
    base = word.rpartition("/")[2]
    if base in PROGRAMS or base in OTHER_NAMES:
        return base
    return re.sub(r"(-?\d+(\.\d+)*|\.py|\.rb|:)$", "", base)


def lore(programs: tuple[str, ...], signal: str) -> tuple[str, Lore] | None:
    """The program and what it does with a signal (`HUP`); None where nothing is known."""
    for program in programs:
        found = PROGRAMS[program].get(signal)
        if found is not None:
            return program, found
    return None
