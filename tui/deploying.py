"""From `D` to a run: which deploy, its parameters, its plan; then the question of every action."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from backends.api.actions import Action
from backends.api.capabilities import Deploys
from backends.api.errors import BackendError, Misconfigured
from backends.api.feed import Feed
from backends.api.readings import State
from backends.api.runs import Deploy, Plan, run_of
from backends.viewer import CONSULTED_WITHIN, Viewer
from backends.watch import Watch
from tui.begun import BegunRuns
from tui.kinds.runs import RUN_LOOKS
from tui.question import OnEnd, plain
from tui.ways import Ways
from widgets.dialog import CLOSE, Button, Dialog, Field, Form
from widgets.look import Look

CHOICES_MOST = 200
"""Values that are gone through with left and right; of more the wanted one is typed."""


class DeployDesk(Protocol):
    @property
    def watching(self) -> Watch | None: ...
    @property
    def ways(self) -> Ways: ...
    def say(self, text: str) -> None: ...
    def work(self, job: Coroutine[Any, Any, None], group: str = "default") -> None: ...


Ask = Callable[[Sequence[Action], Sequence[str], OnEnd], None]
"""The question: actions, what to say first, and whom to tell how it ended."""


class DeployFlow:
    """Changes nothing: what it leads to is asked and done by the flow of all actions."""

    def __init__(self, desk: DeployDesk, dialog: Dialog, ask: Ask, is_free: Callable[[], bool]) -> None:
        self._desk, self._dialog, self._ask, self._is_free = desk, dialog, ask, is_free
        self._fields: tuple[Field, ...] = ()
        self.begun = BegunRuns()

    def menu(self, text: str) -> None:
        """All deploys of the context, or the parameters of the named one (`web version=1.8.2`)."""
        if not self._is_free():
            return
        watching = self._desk.watching
        feeds = [] if watching is None else list(watching.feeds("deploys").values())
        if any(feed.reading.state in (State.IDLE, State.LOADING) for feed in feeds):
            waiting = Form("deploy", (plain("reading what can be deployed …"),))
            self._dialog.show(waiting)
            self._desk.work(self._menu_once_read(feeds, text, waiting), "action")
        else:
            self._menu(feeds, text)

    async def _menu_once_read(self, feeds: Sequence[Feed[Any, Any]], text: str, waiting: Form) -> None:
        """Not before each has told its deploy, or has had its moment: one that is not read yet is not missing."""
        watching = self._desk.watching
        with closing(Viewer()) as viewer:
            await viewer.first_words(feeds, CONSULTED_WITHIN)
        if self._dialog.form is waiting:
            self._dialog.close()
            if watching is self._desk.watching:
                self._menu(feeds, text)

    def _menu(self, feeds: Sequence[Feed[Any, Any]], text: str) -> None:
        name, *words = text.split() or [""]
        given = dict(word.split("=", 1) for word in words if "=" in word)
        rows: list[Deploy] = [row for feed in feeds for row in feed.reading.rows.values()]
        named = next((row for row in rows if name in (row.name, row.source)), None)
        if named is not None:
            self.parameters(named, given)
        elif name:
            self._desk.say(f"no deploy {name}; there are {', '.join(row.name for row in rows) or 'none'}")
        elif not rows:
            self._desk.say("no deploys in this context; :deploys says how to configure one")
        else:
            buttons = tuple(self._button(row) for row in sorted(rows, key=lambda row: row.name))
            self._dialog.show(Form("deploy", (plain("which one? Nothing is done yet"),), (), buttons, True))

    def _button(self, row: Deploy) -> Button:
        last = "never run here" if row.last is None else f"last run {row.last.state.value}"
        look = Look.PLAIN if row.last is None else RUN_LOOKS[row.last.state]
        return Button(row.name, lambda: self.parameters(row), look, means=last)

    def parameters(self, row: Deploy, known: Mapping[str, str] | None = None) -> None:
        """Ask what it needs to know, what is known filled in; without parameters the plan is made at once."""
        watching = self._desk.watching
        deploys = None if watching is None else watching.able(row.source, Deploys)
        if deploys is None:
            self._desk.say(f"{row.source} is not open")
            return
        waiting = Form(f"deploy {row.name}", (plain("reading what can be chosen …"),))
        self._dialog.show(waiting)
        self._desk.work(self._fill(row, deploys, waiting, known or {}), "action")

    async def _fill(self, row: Deploy, deploys: Deploys, waiting: Form, known: Mapping[str, str]) -> None:
        fields = []
        try:
            for param in row.params:
                choices = await deploys.choices(param.name)
                given = known.get(param.name) or param.default or (choices[0] if choices else "")
                fields.append(Field(param.name, given, choices if len(choices) <= CHOICES_MOST else ()))
        except BackendError as error:
            if self._dialog.form is waiting:
                self._dialog.show(Form(f"deploy {row.name}", (plain(str(error), Look.WARN),), leave=CLOSE))
            return
        if self._dialog.form is not waiting:
            return
        self._fields = tuple(fields)
        if not fields:
            await self._plan(row, deploys, waiting)
            return
        lines = [plain(" ".join(row.argv), Look.DIM)]
        lines += [
            plain(f"{param.name}: a text that fits {param.pattern}", Look.DIM)
            for param in row.params
            if param.pattern
        ]

        def go_on() -> None:
            self._desk.work(self._plan(row, deploys, asking), "action")

        button = Button("show the plan", go_on)
        asking = Form(f"deploy {row.name}", tuple(lines), self._fields, (button,), asks=True)
        self._dialog.show(asking)

    async def _plan(self, row: Deploy, deploys: Deploys, asking: Form) -> None:
        given = {field.label: field.value for field in self._fields}
        try:
            plan = await deploys.plan(given)
        except Misconfigured as error:
            if self._dialog.form is not asking:
                return
            self._dialog.go_to_field(error.where)
            self._dialog.say(f"{error.where}: {error.reason}")
            return
        except BackendError as error:
            if self._dialog.form is asking:
                self._dialog.say(str(error))
            return
        if self._dialog.form is asking:
            self._ask([deploys.action(plan)], _plan_lines(plan), lambda action, _: self._show_run(row, action))

    def _show_run(self, row: Deploy, action: Action) -> None:
        self._desk.ways.show_run(row.source, run_of(action))


def _plan_lines(plan: Plan) -> list[str]:
    names = ", ".join(plan.environment)
    steps = [f"{number}. {' '.join(step.argv)}" for number, step in enumerate(plan.steps, start=1)]
    return [
        *(steps if len(steps) > 1 else []),
        *([f"with {names} in its environment"] if names else []),
        "by a process of its own: it goes on when this terminal goes",
    ]
