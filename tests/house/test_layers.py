"""The rules of the house that a tool can keep."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from backends.api.capabilities import ABILITIES
from backends.api.contract import brought
from backends.api.registry import MODULES, load
from tests.outside.program import verbs

ROOT = Path(__file__).parents[2]
SOURCES = [path for top in ("backends", "widgets", "tui") for path in sorted((ROOT / top).rglob("*.py"))]


def loaded(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after a statement."""
    code = f"import sys, json\n{statement}\njson.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout))


def test_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES.values())
def test_importing_a_backend_brings_no_screen_and_no_client(module: str) -> None:
    found = loaded(f"import {module}")
    foreign = brought(found - loaded("pass"), module)
    assert not foreign, f"{module}: import {', '.join(foreign)} where it is first used, not with the module"
    others = {other for other in MODULES.values() if other != module}
    assert not found & others


VERBS = [f"tui.verbs.{path.stem}" for path in sorted((ROOT / "tui/verbs").glob("*.py"))]


@pytest.mark.parametrize("module", [*VERBS, "tui.demo.cli"])
def test_headless_verbs_bring_no_screen(module: str) -> None:
    assert not loaded(f"import {module}") & {"textual", "rich"}


@pytest.mark.parametrize("verb", [verb for verb in verbs() if verb != "demo"])
def test_every_verb_has_its_module(verb: str) -> None:
    by = verbs()[verb].get_default("by")
    path = ROOT / f"tui/verbs/{by}.py"
    assert path.is_file(), (
        f"`{verb}` is run by tui/verbs/{by}.py, or by the module that its row in tui/arguments.py names"
    )
    assert f"def {by}(" in path.read_text(), f"tui/verbs/{by}.py runs `{verb}` by its function {by}"


def test_the_command_line_alone_brings_almost_nothing() -> None:
    found = loaded("import tui.cli; tui.cli.parser(())")
    assert not found & {"textual", "rich", "asyncio", "msgspec", "tomllib", "importlib.metadata"}


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_nothing_but_the_registry_knows_a_backend() -> None:
    """The headless `logs` opens files that no configuration names: that one import is on purpose."""
    allowed = {("tui/verbs/logs.py", "backends.logs.files")}
    own = {module.rsplit(".", 1)[0] for module in MODULES.values()}
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        if any(where.startswith(folder.replace(".", "/")) for folder in own):
            continue
        for name in imports(path) & set(MODULES.values()):
            assert (where, name) in allowed, f"{where} imports {name}"


def test_nothing_branches_on_the_name_of_a_backend() -> None:
    kinds = set(MODULES) - {"deploy", "files", "local"}  # Everyday words, used as such.
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        if where.startswith("backends/coordination/") or "demo" in where or where.endswith("registry.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                words = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                assert not words & kinds, f"{where}:{node.lineno} compares with a backend's name"


def test_no_shell() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "shell":
                pytest.fail(f"{path}: shell=")
            if isinstance(node, ast.Attribute) and node.attr in ("system", "popen", "getoutput"):
                pytest.fail(f"{path}:{node.lineno}: {node.attr}")


@pytest.mark.parametrize("kind", MODULES)
def test_a_backend_inherits_what_it_can_do(kind: str) -> None:
    backend = load(kind)
    abilities = [known.protocol for known in ABILITIES.values()]
    assert any(protocol in backend.__mro__ for protocol in abilities)
    assert backend.kind == kind


def test_no_path_of_a_machine_and_no_registry_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT)
    words = ("/" + "work/", "/" + "root/", "pypi" + ".org", "files.python" + "hosted", "deb." + "debian.org")
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if name and path.suffix in (".py", ".md", ".toml", ".txt", "", ".svg") and path.is_file():
            text = path.read_text(errors="replace")
            assert not [word for word in words if word in text], name


ALONE = """
import contextlib, io, os
os.environ.update(HOME="/nowhere", XDG_CONFIG_HOME="", MIDWATCH_CONFIG="", MIDWATCH_CONTEXT="")
for name in [name for name in os.environ if name.startswith(("ETCDCTL_", "PROMETHEUS_URL"))]:
    del os.environ[name]
from backends.processes import supervisord_places
supervisord_places.SOCKETS = supervisord_places.CONFIGURATIONS = ()
import tui.cli
with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out:
    assert tui.cli.main(["processes", "--timeout", "60"]) == 0
    assert b"COMMAND" in out.buffer.getvalue()
"""


def test_a_look_at_this_host_alone_brings_no_loop_and_no_backend() -> None:
    """It is printed within the time in which asyncio would be imported."""
    found = loaded(ALONE)
    slow = {"asyncio", "concurrent.futures", "logging", "ssl", "subprocess", "shutil", "pathlib", "tomllib"}
    assert not found & {"textual", "rich", "psutil", "difflib", *slow, *MODULES.values()}
    assert not {"backends.api.feed", "backends.watch", "backends.config.configuration"} & found


def test_only_what_is_asked_for_is_made_of_the_command_line() -> None:
    found = loaded("import tui.cli; tui.cli._parse(['processes'])")
    assert not found & {"shutil", "typing", "tui.demo.cli"}


WATCHED = """
from pathlib import Path
from backends.config.configuration import Document
from backends.config.reader import read
from backends.watch import Watch
text = b'''
[context.a.zookeeper.main]
hosts = "127.0.0.1:1"
[context.a.etcd.main]
endpoints = ["127.0.0.1:1"]
[context.a.files.app]
paths = ["/nowhere/*.log"]
[context.a.supervisord.main]
[context.a.journald.main]
[context.a.prometheus.main]
url = "http://127.0.0.1:1"
[context.a.deploy.web]
kind = "command"
argv = ["true"]
'''
context = read(Document(Path("/a.toml"), text, False)).contexts["a"]
assert set(Watch(context).sources) >= {"zookeeper/main", "files/app", "deploy/web"}
"""


def test_a_context_is_opened_without_what_its_first_rows_do_not_need() -> None:
    """Lines are parsed, runs started and signals explained later; each module costs the first frame."""
    found = loaded(WATCHED)
    logs = {"backends.logs.formats", "backends.logs.file_reader", "backends.processes.supervisord_logs"}
    changes = {"backends.deploys.launch", "backends.deploys.runner", "backends.processes.signals"}
    assert not found & {"backends.config.lines", *logs, *changes}
