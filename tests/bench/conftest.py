"""One table of all figures at the end; a run with a missed one fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.demo import Demo, quiet_demo
from tests.bench.figures import Figures

FIGURES = pytest.StashKey[Figures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="loads of a few seconds instead of minutes")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = Figures()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[FIGURES]
    if found.rows:
        terminalreporter.write_line("\n" + found.table() + "\n")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[FIGURES].missed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def quick(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--quick", False))


@pytest.fixture(autouse=True)
def as_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some containers switch bytecode off, which makes every start four times as long."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with quiet_demo(tmp_path_factory.mktemp("demo") / "d") as up:
        yield up
