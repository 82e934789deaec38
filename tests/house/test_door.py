"""Nothing is changed but through the door: who makes permits, and which calls could change things without one."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.house.side_effects import Mutation, mutations

ROOT = Path(__file__).parents[2]
SOURCES = [path for top in ("backends", "widgets", "tui") for path in sorted((ROOT / top).rglob("*.py"))]

AUDIT = "the audit's own files, which are written before anything is done"
QUEUE = "a queue in memory"
WITHOUT_PERMIT: dict[tuple[str, str], tuple[str, ...]] = {
    ("backends/changes/audit.py", "Audit._put"): (AUDIT, "os.open", "os.ftruncate"),
    ("backends/changes/audit.py", "Audit._put_note"): (AUDIT, "os.open", "os.ftruncate", "path.rename"),
    ("backends/changes/audit.py", "Audit._locked"): (AUDIT, "os.open"),
    ("backends/changes/audit.py", "Audit._spend_reserve"): (AUDIT, "reserve.unlink"),
    ("backends/changes/audit.py", "Audit._keep_reserve"): (AUDIT, "os.open", "open", "reserve.unlink"),
    ("backends/api/contract.py", "check_import"): (
        "the contract suite looks at a fresh interpreter's modules",
        "subprocess.run",
    ),
    ("backends/coordination/etcd_stream.py", "watch_stream"): (
        "gRPC's word for watching a prefix, which reads",
        "reader.create",
    ),
    ("backends/deploys/command.py", "Command.__init__"): (
        "a run's step: the runner has a run permit for its plan",
        "subprocess.Popen",
    ),
    ("backends/deploys/command.py", "Command._signal"): (
        "ends that step: it ran too long, or an abort was permitted",
        "os.killpg",
    ),
    ("backends/deploys/folder.py", "RunFolders.clear"): (
        "old runs' folders, by a start, which used its permit",
        "shutil.rmtree",
    ),
    ("backends/deploys/folder.py", "RunFolders.lock"): ("the same: one run of a deploy at a time", "os.open"),
    ("backends/deploys/folder.py", "write_plan"): (
        "the same: the run's folder, with its run permit",
        "folder.mkdir",
        "os.open",
        "open",
    ),
    ("backends/deploys/journal.py", "Journal.write"): (
        "the runner's own journal: a line that is not whole is cut",
        "os.ftruncate",
    ),
    ("backends/deploys/journal.py", "Journal.write_last"): ("the reserve beside its journal", "os.unlink"),
    ("backends/deploys/journal.py", "_new"): ("its journal, and the reserve", "os.open"),
    ("backends/deploys/launch.py", "_run"): ("the runner, by a start, which used its permit", "subprocess.Popen"),
    ("backends/deploys/launch.py", "_start"): ("the folder of a run that did not start", "shutil.rmtree"),
    ("backends/deploys/launch.py", "_withdrawn"): (
        "a file in the way of a runner, so that it can't begin any more",
        "os.open",
    ),
    ("backends/deploys/launch.py", "abort"): (
        "the wish that a run ends, by an abort, which used its permit",
        "os.open",
        "open",
        "fresh.rename",
    ),
    ("backends/deploys/listing.py", "listed"): (
        "the command that the configuration names to list what may be given",
        "subprocess.Popen",
        "os.killpg",
    ),
    ("backends/deploys/runner.py", "_answer"): (
        "/dev/null in the place of the pipe to whoever started it",
        "os.open",
    ),
    ("backends/deploys/runner.py", "_let_go"): ("/dev/null, and a file for what a bug would print", "os.open"),
    ("backends/deploys/runner.py", "main"): ("forks once, to be nobody's child", "os.fork"),
    ("backends/state.py", "own_folder"): ("a folder of our own, closed to others", "os.fchmod"),
    ("backends/state.py", "_make"): ("a folder of our own", "os.mkdir"),
    ("backends/coordination/etcd_diagnose.py", "_greeting"): (
        "a client's greeting, to hear who answers",
        "plain.sendall",
    ),
    ("widgets/terminal_output.py", "_own_handle"): ("the terminal that we draw on", "os.open"),
    ("backends/coordination/zookeeper_link.py", "Link.close"): (QUEUE, "self._jobs.put"),
    ("backends/coordination/zookeeper_link.py", "Link._job"): (QUEUE, "self._jobs.put"),
    ("backends/logs/journalctl.py", "running"): ("journalctl, which reads", "asyncio.create_subprocess_exec"),
    ("backends/logs/journalctl.py", "Run.end"): ("ends the journalctl that it has started", "self._process.kill"),
    ("backends/logs/read_once.py", "_bytes_of.give"): (QUEUE, "chunks.put"),
    ("backends/metrics/prometheus_wire.py", "Wire.get"): (
        "long queries travel as a POST; Prometheus reads them",
        "client.build_request",
        "POST",
    ),
    ("backends/processes/supervisord.py", "Supervisord._calls"): (
        "three reading calls in one",
        "system.multicall",
        "f'supervisor.{name}'",
    ),
    ("backends/processes/supervisord_logs.py", "_Run._follow_files"): (QUEUE, "self._came.put"),
    ("backends/processes/supervisord_logs.py", "_Run._follow_tail"): (QUEUE, "self._came.put"),
    ("backends/processes/supervisord_rpc.py", "Rpc._build"): (
        "XML-RPC is a POST; who calls what changes has a permit",
        "self._client.build_request",
        "POST",
    ),
    ("backends/processes/supervisord_start_again.py", "_spawn"): (
        "whoever sees to the start, by a restart, which used its permit",
        "subprocess.Popen",
    ),
    ("backends/processes/supervisord_start_again.py", "main"): ("forks once, to be nobody's child", "os.fork"),
    ("backends/processes/supervisord_start_again.py", "start_again"): (
        "the second half of a restart, which used its permit",
        "supervisor.startProcess",
    ),
    ("backends/processes/supervisord_tails.py", "_pumped.pump"): (QUEUE, "came.put"),
    ("backends/secrets.py", "_from_command"): (
        "the command that the configuration names to read a secret",
        "subprocess.Popen",
    ),
    ("backends/secrets.py", "_from_command.end"): ("ends that command when it takes too long", "os.killpg"),
    ("tui/app.py", "MidwatchApp.to_shell"): (
        "Textual's word for giving the terminal back on ctrl-z",
        "self.suspend",
    ),
    ("tui/cli.py", "main"): ("/dev/null in the place of a closed pipe", "os.open"),
    ("tui/clipboard.py", "save"): (
        "what was copied, in our own folder, where no terminal takes it",
        "os.open",
        "open",
    ),
    ("tui/own_log_file.py", "_File._open"): ("our own log", "os.open", "open"),
    ("tui/terminal.py", "stop_job"): ("stops ourselves on ctrl-z, as a shell expects", "os.killpg"),
    ("tui/verbs/ahead.py", "ahead.fetch"): (QUEUE, "waiting.put"),
    ("tui/verbs/configuration.py", "_init"): (
        "`config init` writes a new file, never over an old one",
        "os.makedirs",
        "os.open",
    ),
}
"""Every place that could change something and needs no permit: why, and the calls for which that is so. A call of
another name in the same function needs a reason of its own."""
DEMO = "tui/demo/"
"""The demo starts and ends servers of its own, in a folder of its own, and nothing else."""


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def unpermitted(path: Path) -> list[Mutation]:
    return [found for found in mutations(path.read_text()) if not found.permitted]


def permits_made(source: str) -> list[int]:
    """The lines on which a Permit is made, or smuggled: by its name or another one, by copying, by `__new__`."""
    tree = ast.parse(source)
    names = {"Permit"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == "Permit" and alias.asname
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = [ast.unparse(node.func), *(ast.unparse(argument) for argument in node.args)]
            if any(word.split(".")[-1] in names or word.startswith("Permit.") for word in words):
                found.append(node.lineno)
        elif isinstance(node, ast.ClassDef) and any(ast.unparse(base) in names for base in node.bases):
            found.append(node.lineno)
    return found


def test_permits_are_made_in_the_door_alone() -> None:
    makers = {where(path) for path in SOURCES if permits_made(path.read_text())}
    assert makers == {"backends/changes/door.py"}


def test_every_call_that_could_change_something_is_permitted_or_has_a_reason() -> None:
    wrong = [
        f"{where(path)}:{found.line}: {found.function} calls {found.call} without permit.use(action) before it"
        for path in SOURCES
        if not where(path).startswith(DEMO)
        for found in unpermitted(path)
        if found.call not in WITHOUT_PERMIT.get((where(path), found.function), ())[1:]
    ]
    assert not wrong, "\n".join([*wrong, "what needs no permit stands in WITHOUT_PERMIT above, with a reason"])


def test_the_list_of_exceptions_holds_nothing_that_is_gone() -> None:
    there = {(where(path), found.function, found.call) for path in SOURCES for found in unpermitted(path)}
    listed = {(*place, call) for place, (_, *calls) in WITHOUT_PERMIT.items() for call in calls}
    assert not listed - there


def performers(source: str) -> set[str]:
    """The functions that call `perform` on something."""
    return {
        function.name
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "perform"
    }


def test_the_only_caller_of_perform_is_the_door() -> None:
    """A backend may pass it on to the part of itself that acts."""
    calling = {where(path): performers(path.read_text()) for path in SOURCES}
    assert calling.pop("backends/changes/door.py") == {"_act"}
    assert set().union(*calling.values()) <= {"perform"}


PLANTED = [
    "import os\ndef f(pid):\n    os.kill(pid, 9)",
    "from os import kill as k\ndef f(pid):\n    k(pid, 9)",
    "import os, asyncio\nasync def f(pid):\n    await asyncio.to_thread(os.killpg, pid, 9)",
    "import signal as s\ndef f(fd):\n    s.pidfd_send_signal(fd, 15)",
    "import subprocess\nsubprocess.run(['rm', 'x'])",
    "from subprocess import Popen\nclass A:\n    def f(self):\n        return Popen(['x'])",
    "import asyncio\nasync def f():\n    await asyncio.create_subprocess_exec('x')",
    "import os\ndef f():\n    os.execvp('x', ['x'])",
    "import os\ndef f():\n    os.posix_spawn('x', ['x'], {})",
    "async def f(self):\n    await self._client.post('/-/reload')",
    "async def f(self):\n    await self._client.request('DELETE', '/x')",
    "async def f(self):\n    await self._send('POST', '/x')",
    "def f(zk):\n    zk.create('/x', b'')",
    "def f(zk):\n    zk.set('/x', b'')",
    "def f(zk):\n    zk.delete('/x')",
    "def f(zk):\n    zk.set('/x', b'', 3)",
    "def f(zk):\n    zk.set('/x', value=b'')",
    "def f(zk):\n    zk.retry(zk.set, '/x', b'')",
    "async def f(self):\n    await self._link.run(self._zk.delete, '/x')",
    "async def f(self, client):\n    async with client.stream('post', '/x'):\n        pass",
    "async def f(self, client, how):\n    await client.send(client.build_request(how, '/x'))",
    "async def f(self):\n    await self._wire.call('KV', 'Put', request)",
    "async def f(self):\n    await self._wire.call('Lease', 'LeaseRevoke', request)",
    "def f(link):\n    link.sendall(b'DELETE')",
    "import os\ndef f():\n    os.system('rm x')",
    "import subprocess\ndef f():\n    return subprocess.getoutput('rm x')",
    "from asyncio import subprocess\nasync def f():\n    await subprocess.create_subprocess_exec('x')",
    "def f(path):\n    path.chmod(0o777)",
    "import asyncio\nasync def f(path):\n    await asyncio.to_thread(path.unlink)",
    "async def f(self):\n    await self._kv.Put(request)",
    "async def f(stub):\n    await stub.LeaseRevoke(request)",
    "async def f(self):\n    await self._call('supervisor.stopProcess', name)",
    "import xmlrpc.client\ndef f():\n    return xmlrpc.client.dumps((), 'supervisor.shutdown')",
    "import os\ndef f(path):\n    os.unlink(path)",
    "import shutil\ndef f(path):\n    shutil.rmtree(path)",
    "def f(path):\n    path.rename('y')",
    "def f(path):\n    path.replace('y')",
    "def f(path):\n    path.write_text('y')",
    "def f(path):\n    open(path, 'w')",
    "def f(path):\n    path.open('ab')",
    "import os\ndef f(path):\n    os.open(path, os.O_WRONLY)",
    "def f(process):\n    process.terminate()",
    "import psutil\ndef f():\n    psutil.Process(1).suspend()",
    "async def f(rpc, how):\n    await rpc.call(f'supervisor.{how}Process', 'x')",
    "def f(link, words):\n    link.sendall(words)",
    "def f(path, mode):\n    open(path, mode)",
    "def f(path, how):\n    open(path, mode=how)",
    "def f(path, mode):\n    path.open(mode)",
]
HARMLESS = [
    "def f(text):\n    return text.replace('a', 'b')",
    "from msgspec.structs import replace\ndef f(row):\n    return replace(row, key='x')",
    "def f(event):\n    event.set()",
    "def f(path):\n    return open(path).read(), path.open('rb'), open(path, 'r', encoding='utf-8')",
    "import os\ndef f(path):\n    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)",
    "async def f(client):\n    return await client.get('/api/v1/query')",
    "async def f(self):\n    return await self._call('supervisor.getAllProcessInfo')",
    "import os\ndef f(pid):\n    return os.pidfd_open(pid), os.getsid(0)",
    "async def f(client):\n    async with client.stream('GET', '/x'):\n        pass",
    "def f(loop, event):\n    loop.call_later(1, event.set)",
    "async def f(self):\n    await self._wire.call('KV', 'Range', request)",
    "def f(name):\n    return f'supervisord {name}', f'{name}.x'",
    "def f(board, row):\n    board.open(row)",
]
SENDS = "import os\ndef f(self, action, permit: Permit):\n    {0}\n    os.kill(1, 9)\n    {1}"


@pytest.mark.parametrize("source", PLANTED)
def test_a_planted_call_is_found(source: str) -> None:
    found = mutations(source)
    assert found
    assert not any(one.permitted for one in found)


@pytest.mark.parametrize("source", HARMLESS)
def test_what_only_reads_is_not(source: str) -> None:
    assert mutations(source) == []


@pytest.mark.parametrize(
    ("source", "permitted"),
    [
        (SENDS.format("permit.use(action)", "pass"), True),
        (SENDS.format("pass", "permit.use(action)"), False),
        (SENDS.format("other.use(action)", "pass"), False),
        (SENDS.format("if action: permit.use(action)", "pass"), False),
        (SENDS.format("for _ in action: permit.use(action)", "pass"), False),
        (SENDS.format("use = lambda: permit.use(action)", "pass"), False),
        (SENDS.format("with suppress(Refused): permit.use(action)", "pass"), False),
        (SENDS.replace(": Permit", "").format("permit.use(action)", "pass"), False),
        (
            "import os\nasync def f(action, permit: Permit):\n    permit.use(action)\n    def send():\n"
            "        os.kill(1, 9)\n    await run(send)",
            True,
        ),
    ],
)
def test_a_permit_counts_only_when_it_is_used_before(source: str, permitted: bool) -> None:
    assert [found.permitted for found in mutations(source)] == [permitted]


@pytest.mark.parametrize(
    "source",
    [
        "Permit(action)",
        "from backends.api.actions import Permit as P\nP(action)",
        "import backends.api.actions as a\na.Permit(action)",
        "Permit.__new__(Permit)",
        "object.__new__(Permit)",
        "class Mine(Permit): pass",
    ],
)
def test_a_smuggled_permit_is_found(source: str) -> None:
    assert permits_made(source)
    assert not permits_made("from backends.api.actions import Permit\ndef f(permit: Permit): permit.use(action)")
