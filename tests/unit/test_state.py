"""midwatch's own folder: for its account alone, whoever makes it first and whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.changes.audit import Audit, AuditFailed
from backends.deploys.folder import RunFolders
from backends.state import audit_folder, own_folder, private_folder, state_folder
from tests.unit.test_audit import entry
from tui.clipboard import save
from tui.demo.state import remember
from tui.own_log_file import file_handler

ROOT = Path(__file__).parents[2]
ROOT_ALONE = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write_audit(state: Path) -> None:
    Audit(audit_folder({"XDG_STATE_HOME": str(state.parent)})).append(entry())


def write_log(state: Path) -> None:
    file_handler(state / "midwatch.log").close()


def make_runs(state: Path) -> None:
    RunFolders(state, "lab", "web", "deploy/web").make()


def write_copy(state: Path) -> None:
    assert save("text", state / "copied.txt") == ""


def remember_demo(state: Path) -> None:
    remember(Path("/srv/demo"))


Writer = Callable[[Path], None]
WRITERS = (write_audit, write_log, make_runs, write_copy, remember_demo)


@pytest.fixture(params=(0o002, 0o000), ids=("umask-002", "umask-000"))
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    old = os.umask(request.param)
    yield
    os.umask(old)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(home))
    return state_folder(os.environ)


@pytest.mark.parametrize("write", WRITERS)
def test_whoever_makes_it_first_makes_it_private(write: Writer, state: Path, umask: None) -> None:
    write(state)
    made = [state.parents[1], state.parent, state, *(path for path in state.rglob("*") if path.is_dir())]
    assert {mode(path) for path in made} == {0o700}


@pytest.mark.parametrize("write", WRITERS)
def test_one_that_others_could_look_into_is_closed_and_what_is_above_it_left_alone(
    write: Writer, state: Path
) -> None:
    state.mkdir(parents=True)
    for path in (state, state.parent):
        path.chmod(0o775)
    write(state)
    assert (mode(state), mode(state.parent)) == (0o700, 0o775)


def test_a_link_of_ours_to_a_folder_of_ours_is_followed(tmp_path: Path) -> None:
    real = tmp_path / "disk"
    real.mkdir(mode=0o755)
    link = tmp_path / "midwatch"
    link.symlink_to(real)
    private_folder(link, "runs")
    assert (mode(real), mode(real / "runs")) == (0o700, 0o700)


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "midwatch").touch()
    with pytest.raises(OSError, match="Not a directory"):
        own_folder(tmp_path / "midwatch")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder like /tmp. Not below pytest's own, which it closes to all others."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)
        yield Path(folder)


def as_nobody(script: str, *words: str) -> str:
    become = "import os, sys\nos.setgroups([])\nos.setresuid(65534, 65534, 65534)\n"
    argv = [sys.executable, "-c", become + script, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30, cwd=ROOT)
    return done.stdout.strip()


LINKED = "is a link to a folder that belongs to somebody else"


@ROOT_ALONE
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("os.mkdir(sys.argv[1], 0o777)", "belongs to somebody else"),
        ("os.symlink(sys.argv[2], sys.argv[1])", "belongs to somebody else"),
        ("os.mkdir(sys.argv[1] + '-theirs', 0o777)", LINKED),
    ],
    ids=("theirs", "their-link-to-ours", "our-link-to-theirs"),
)
def test_what_another_account_has_put_in_its_place_is_refused(
    script: str, says: str, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.changes.audit.SYSLOG", ())
    ours, state = public / "ours", public / "midwatch"
    ours.mkdir(mode=0o755)
    as_nobody(script, str(state), str(ours))
    if not os.path.lexists(state):
        state.symlink_to(public / "midwatch-theirs")
    before = mode(state)
    with pytest.raises(AuditFailed, match=f"{state}: {says}"):
        Audit(state / "audit").append(entry())
    with pytest.raises(PermissionError, match=says):
        RunFolders(state, "lab", "web", "deploy/web").make()
    assert save("text", state / "copied.txt") == f"could not be written: {says}"
    assert isinstance(file_handler(state / "midwatch.log"), logging.NullHandler)
    assert mode(state) == before
    assert not list(state.iterdir())


LOOKING = """
def said(what):
    try:
        return repr(what())
    except OSError as error:
        return type(error).__name__
path = sys.argv[1]
print(said(lambda: os.listdir(path)), said(lambda: os.stat(path + "/audit")), said(lambda: os.mkdir(path + "/x")))
print(said(lambda: os.chmod(path, 0o777)), said(lambda: os.rename(path, path + "x")))
"""


@ROOT_ALONE
@pytest.mark.parametrize("write", [write_audit, write_log, make_runs])
def test_another_account_can_look_into_none_of_it(write: Writer, public: Path, umask: None) -> None:
    state = public / "midwatch"
    write(state)
    assert set(as_nobody(LOOKING, str(state)).split()) == {"PermissionError"}
