"""A backend from outside, by the name of its module: it keeps the contract, and the verbs know it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.api.contract import Broken, check_backend, check_restart
from backends.api.events import Event, EventKind
from backends.api.members import Members
from backends.api.readings import Seen
from tests.contract.roster import Roster, RosterSettings
from tests.outside.program import run

HERE = {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "roster.json"
    path.write_text(json.dumps([{"name": "a", "address": "10.0.0.1:80"}, {"name": "b"}]))
    return path


def test_its_file_is_named_where_it_is_in_trouble(listed: Path) -> None:
    assert Roster("main", RosterSettings(file=str(listed))).where == str(listed)


async def test_it_keeps_the_contract(listed: Path) -> None:
    await check_backend(lambda: Roster("main", RosterSettings(file=str(listed))))


class Forgetful(Roster):
    """Begins anew at each attempt, and tells of everybody."""

    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        async for seen in super().members(None):
            now = datetime.now(UTC)
            told = [Event(now, EventKind.JOINED, self.source, row.name, "") for row in seen.value.values()]
            yield Seen(seen.value, None, tuple(told))


async def test_the_contract_finds_a_restart_that_tells_everything_again(listed: Path) -> None:
    with pytest.raises(Broken, match="tells anew of a"):
        await check_restart(lambda: Forgetful("main", RosterSettings(file=str(listed))), "members")


def test_the_configuration_finds_it_by_its_module(listed: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[context.lab]\nlocal = false\n[context.lab."tests.contract.roster".main]\nfile = "{listed}"\n'
    )
    ran = run("members", "-o", "json", "--config", str(config), env=HERE)
    assert ran.status == 0, ran.err
    items = ran.document["items"]
    assert [(item["name"], item["address"], item["state"]) for item in items] == [
        ("a", "10.0.0.1:80", "up"),
        ("b", None, "up"),
    ]
    assert ran.document["readings"][0]["source"] == "tests.contract.roster/main"
    listed.write_text("nonsense")
    ran = run("members", "-o", "json", "--config", str(config), env=HERE)
    assert ran.status == 3
    assert "not a list of members" in ran.err
