"""How deploys are shown, each with how it went the last time, and their JSON."""

from __future__ import annotations

import shlex
from typing import Any

from backends.api.runs import Deploy, Param
from tui.kinds.facts import clock_time, rfc3339, without_folder
from tui.kinds.runs import RUN_LOOKS, params_text
from widgets.freshness import Sight, standing, standing_look
from widgets.look import Look
from widgets.quantities import since
from widgets.tables.columns import Column, Kind, text_of

EMPTY = """no deploys in this context; one is a table of its configuration:

[context.NAME.deploy.web]
kind = "command"
argv = ["./deploy.sh", "{version}"]  # no shell; {version} is filled in
# environment = { TOKEN = { file = "token" } }
# timeout = 900

[context.NAME.deploy.web.params.version]
choices = ["1.8.1", "1.8.2"]
# or from = ["git", "tag"], or pattern = "[0-9.]+\""""


def param_text(param: Param) -> str:
    """What a parameter may be, in a few words."""
    if param.choices:
        may = "|".join(param.choices)
    else:
        may = f"`{shlex.join(param.listed)}`" if param.listed else f"/{param.pattern}/"
    return f"{param.name}={may}" + ("" if param.default is None else f" ({param.default})")


def _param_json(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "choices": list(param.choices) or None,
        "from": list(param.listed) or None,
        "pattern": param.pattern or None,
        "default": param.default,
    }


def _json(row: Deploy) -> dict[str, Any]:
    last = row.last
    return {
        "name": row.name,
        "kind": row.kind,
        "argv": list(row.argv),
        "params": [_param_json(param) for param in row.params],
        "last": None
        if last is None
        else {
            "id": last.key,
            "state": last.state.value,
            "by": last.by,
            "started": rfc3339(last.started),
            "ended": rfc3339(last.ended),
        },
    }


def _last(row: Deploy, sight: Sight) -> str:
    return standing("never here" if row.last is None else row.last.state.value, None, sight)


def _brief(row: Deploy, sight: Sight) -> tuple[str, ...]:
    if row.last is None:
        return ("never run here",)
    told = (
        f"last run {row.last.state.value}",
        f"{since(row.last.started, sight.wall)} ago",
        params_text(row.last),
    )
    return ("  ".join([*filter(None, told), f"by {row.last.by}"]),)


def _facts(row: Deploy, sight: Sight) -> list[tuple[str, str]]:
    facts = [
        ("kind", row.kind),
        ("runs", shlex.join(row.argv)),
        ("source", row.source),
        *(("parameter", param_text(param)) for param in row.params),
        ("last run", _last(row, sight)),
    ]
    if row.last is not None:
        facts += [
            ("its id", row.last.key),
            ("with", text_of(params_text(row.last))),
            ("by", row.last.by),
            ("started", clock_time(row.last.started, sight)),
            ("outcome", text_of(row.last.message)),
        ]
    return facts


DEPLOYS: Kind[Deploy] = Kind(
    name="deploys",
    title="deploys",
    nouns=("deploys",),
    columns=(
        Column("name", "NAME", lambda d, s: d.name, 16, sort=lambda d: d.name),
        Column("kind", "KIND", lambda d, s: d.kind, 8, sort=lambda d: d.kind, drop=3),
        Column(
            "state",
            "LAST RUN",
            _last,
            15,
            sort=lambda d: None if d.last is None else d.last.state.value,
            look=lambda d, s: standing_look(Look.DIM if d.last is None else RUN_LOOKS[d.last.state], None, s),
        ),
        Column(
            "age",
            "AGO",
            lambda d, s: since(None if d.last is None else d.last.started, s.wall),
            4,
            sort=lambda d: None if d.last is None else d.last.started,
            right=True,
            descending=True,
        ),
        Column(
            "with",
            "WITH",
            lambda d, s: text_of(None if d.last is None else params_text(d.last)),
            18,
            sort=lambda d: None if d.last is None else params_text(d.last),
            drop=1,
        ),
        Column("params", "PARAMETERS", lambda d, s: " ".join(map(param_text, d.params)), 24, drop=2, more=24),
        Column("command", "COMMAND", lambda d, s: shlex.join(d.argv), 20, grow=True, shorter=without_folder),
    ),
    brief=_brief,
    json=_json,
    facts=_facts,
    sort="name",
    empty=EMPTY,
    none=EMPTY,
    tie=lambda d: (d.source, d.key),
    label=lambda d: d.name,
    discovered=False,
)
