"""No single key changes the world: every key, three times in a row and with Enter after it, twice.

On every screen and in every mode, over processes, units, deploys and a run that can all be acted on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.api import registry
from backends.api.readings import FeedKey
from backends.config.context import SourceConfig
from tests.flows import acting_supervisor, actor
from tests.flows.actor import STAGES, Stage
from tests.flows.conftest import Opened, Screen
from tests.flows.deploying import ENV, context, script
from tests.flows.fake import FakeSettings, member, process
from tests.flows.fake_supervisor import QUEUES, FakeSupervisorSettings, say_units, unit
from tests.servers.runs import nothing_left, start
from tui.commands import COMMANDS, METRICS, OVERVIEW, SCREENS, on_screen
from tui.kinds.known import KINDS
from widgets.dialog import Dialog, Form

# Some thousand keys: a quarter of a minute, on a machine that is busy several times that.
pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]
World = Callable[..., Any]

LEAVE = {"ctrl+z", "ctrl+c", "q"}
"""These quit, as they should."""
UNBOUND = {"X", "1", "0", "delete", "ctrl+x"}
LINES = {OVERVIEW: "overview", "logs": "logs", METRICS: "metrics", "text": "help"}


@pytest.fixture
def world(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(registry.MODULES, "fake", actor.__name__)
    monkeypatch.setitem(registry.MODULES, "supervisor", acting_supervisor.__name__)
    monkeypatch.setenv("MW_CANARY", ENV)
    STAGES.clear()
    QUEUES.clear()
    script(tmp_path)
    fake = SourceConfig("fake", "main", FakeSettings())
    supervisor = SourceConfig("supervisor", "main", FakeSupervisorSettings())

    @asynccontextmanager
    async def open_world(**more: Any) -> AsyncIterator[tuple[Screen, Stage, str]]:
        lab = context(tmp_path, fake, supervisor, **more)
        async with nothing_left(), opened(contexts=(lab,), command="units") as screen:
            screen.script.say_members(member("m0"))
            screen.script.say_processes(process(7, "nginx"), process(8, "redis"))
            say_units(unit("web", pid=7))
            await screen.until("web")
            watching = screen.app.watching
            assert watching is not None
            backend: Any = watching.backend("deploy/plain")
            run = await start(backend)
            runs = watching.feeds("runs")[FeedKey("deploy/plain", "runs")]
            await screen.until(lambda: run in (runs.reading.value or {}))
            yield screen, STAGES.setdefault("main", Stage()), run

    return open_world


def go_to(screen: Screen, name: str, run: str) -> None:
    if name == "run":
        screen.app.ways.show_run("deploy/plain", run)
    elif name == "description":
        screen.app.keys.run_line("units")
        screen.app.keys.press("d", "d")
    else:
        screen.app.keys.run_line(LINES.get(name, name))


async def settle(screen: Screen) -> None:
    """Until what a key has begun to read for a dialog stands in it."""
    await asyncio.sleep(0)
    while any(worker.group in ("action", "act") and not worker.is_finished for worker in screen.app.workers):
        await asyncio.sleep(0.001)


async def press_in_order(screen: Screen, *keys: str) -> None:
    for key in keys:
        screen.read()
        screen.app.keys.press(key, key if len(key) == 1 else None)
        await settle(screen)
        form = screen.app.flow.dialog.form
        if form is not None and form.confirms:
            await screen.pilot.pause()  # What is asked must have been drawn.


def close_all(screen: Screen) -> None:
    while screen.app.flow.dialog.open or screen.app.keys.prompt.open:
        screen.app.keys.press("escape", None)
        screen.read()


async def press_all(screen: Screen, name: str, run: str) -> None:
    go_to(screen, name, run)
    view = screen.app.view
    where = view.screen_name, view.kind_name
    bound = {key for command in on_screen(view.screen_name, view.kind_name) for key in command.keys}
    for key in sorted((bound | UNBOUND) - LEAVE):
        await press_in_order(screen, key, key, key, "enter", "enter")
        close_all(screen)
        # Texts and descriptions are made anew each time that one is opened.
        if (screen.app.view.screen_name, screen.app.view.kind_name) != where:
            go_to(screen, name, run)
        if key in ("Z", "equals_sign"):
            screen.app.everywhere.freeze()


async def nothing_was_done(screen: Screen, stage: Stage, run: str, tmp_path: Path) -> None:
    await screen.pilot.pause()
    assert screen.app.is_running
    assert stage.done == []
    folder = tmp_path / "xdg_state_home" / "midwatch" / "runs" / "lab"
    names = await asyncio.to_thread(lambda: sorted(path.name for path in folder.glob("*-*")))
    assert names == [run]
    assert not await asyncio.to_thread((folder / run / "abort").exists)
    entries = await asyncio.to_thread(lambda: list(_entries(tmp_path)))
    # What was typed to arm it may come once more, from the prompt's history.
    done = [entry for entry in entries if (entry["verb"], entry["reason"]) != ("arm", "a test")]
    assert [entry for entry in done if entry["outcome"] != "refused"] == []


def _entries(tmp_path: Path) -> Any:
    from backends.changes.audit import Audit

    return Audit(tmp_path / "xdg_state_home" / "midwatch" / "audit").entries()


MODES: dict[str, dict[str, Any]] = {
    "always": {"arm": "always"},
    "guarded": {},
    "armed": {},
    "read-only": {"read_only": True},
    "typed": {"arm": "always", "confirm": "type"},
}


async def arm(screen: Screen, mode: str) -> None:
    if mode == "armed":
        await screen.type(":arm 1h a test\r")
        await screen.until("ARMED")


@pytest.mark.parametrize("mode", MODES)
async def test_on_every_screen_in_every_mode(world: World, tmp_path: Path, mode: str) -> None:
    async with world(**MODES[mode]) as (screen, stage, run):
        await arm(screen, mode)
        seen = set()
        for name in (*LINES.values(), *KINDS, "description", "run"):
            await press_all(screen, name, run)
            seen.add(screen.app.view.screen_name)
        assert seen == set(SCREENS)
        await nothing_was_done(screen, stage, run, tmp_path)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "read-only"])
async def test_with_a_menu_or_a_question_open(world: World, tmp_path: Path, mode: str) -> None:
    """In a question no key that is pressed again and again comes to an answer; in a menu nor with Enter."""
    keys = {key for command in COMMANDS for key in command.keys} | UNBOUND | {"tab", "enter", "y", "Y"}
    async with world(**MODES[mode]) as (screen, stage, run):
        await arm(screen, mode)
        # What is asked differs by mode on the first of them too; on the others it is the same question.
        for name in ("units", "deploys", "run") if mode == "always" else ("units",):
            go_to(screen, name, run)
            for key in sorted(keys - LEAVE):
                for opening in (("x",), ("x", "enter")):
                    await press_in_order(screen, *opening)
                    form = screen.app.flow.dialog.form
                    menu = form is not None and form.listed
                    await press_in_order(screen, key, key, key, *(("enter",) if menu else ()))
                    close_all(screen)
                    go_to(screen, name, run)
        await nothing_was_done(screen, stage, run, tmp_path)


async def test_this_test_can_fail(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog that chooses what acts, as some tools do."""
    show = Dialog.show

    def show_wrong(self: Dialog, form: Form, *more: Any) -> None:
        show(self, form, *more)
        self._at = len(form.fields) + len(form.buttons)

    monkeypatch.setattr(Dialog, "show", show_wrong)
    async with world(arm="always") as (screen, stage, run):
        await press_all(screen, "units", run)
        with pytest.raises(AssertionError):
            await nothing_was_done(screen, stage, run, tmp_path)
