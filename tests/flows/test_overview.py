"""Overview and events: what is wrong, what changed, and where Enter leads."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from backends.api.details import Trouble
from backends.api.errors import Denied, Silent, Unreachable
from backends.api.events import Event, EventKind
from backends.api.logs import LogBatch, LogBlock
from backends.api.members import MemberState, Role
from backends.api.quorum import Quorum
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from backends.incident.error_rate import BUCKET, BUCKETS_NEEDED, WINDOW
from tests.clock import FakeClock
from tests.flows.conftest import Opened
from tests.flows.fake import SCRIPTS, Fake, FakeSettings, Script, member


def silent() -> Trouble:
    return Trouble(Silent("no answer in 1.8 s"), None, datetime.now(UTC))


async def test_all_is_well_says_so_and_shows_vital_signs(opened: Opened) -> None:
    async with opened(command="overview") as screen:
        screen.script.say_members(member("m0", role=Role.LEADER), member("m1"))
        await screen.until("m0 leads")
        assert "nothing is wrong" in screen.text
        assert "nothing: 1 source is live" in screen.text


async def test_a_silent_member_is_wrong_with_its_consequence_and_enter_leads_to_it(opened: Opened) -> None:
    async with opened(command="overview") as screen:
        ill = member("m1", MemberState.UNKNOWN, trouble=silent(), quorum=Quorum(3, 2))
        screen.script.say_members(member("m0", role=Role.LEADER), ill, member("m2"))
        await screen.until("no further failure allowed")
        assert "1 problem" in screen.text
        await screen.press("enter")
        await screen.until("sort group")
        table = screen.app.view.table
        assert table.current.name == "m1"
        # Nothing is scrolled away where everything has room.
        assert "m0" in screen.text
        assert "m2" in screen.text


async def test_what_heals_leaves_and_the_cursor_finds_another_line(opened: Opened) -> None:
    async with opened(command="overview") as screen:
        ill = member("m1", MemberState.UNKNOWN, trouble=silent())
        screen.script.say_members(member("m0", role=Role.LEADER), ill)
        await screen.until("✖ fake/main m1")
        screen.script.say_members(member("m0", role=Role.LEADER), member("m1"))
        await screen.until("nothing is wrong")
        await screen.until(lambda: any(line.startswith("▌") for line in screen.lines))
        assert not any("nothing" in line for line in screen.lines if line.startswith("▌"))


async def test_a_lost_source_is_a_problem_and_its_rows_are_not(opened: Opened) -> None:
    async with opened(command="overview") as screen:
        screen.script.say_members(member("m0", MemberState.DOWN, role=Role.LEADER, trouble=silent()))
        await screen.until("✖ fake/main m0")
        screen.script.members.put_nowait(Unreachable("connection refused", where="10.0.0.1:2379"))
        await screen.until("connection refused")
        assert "✖ fake/main m0" not in screen.text
        assert "1 problem " in screen.text


async def test_events_are_listed_newest_first_and_hostile_ones_do_nothing(opened: Opened) -> None:
    async with opened(command="events") as screen:
        now = datetime.now(UTC)
        news = (
            Event(now, EventKind.LEADER, "fake/main", "fake/main", "m0 → m1"),
            Event(now, EventKind.LEFT, "fake/main", "web/\x1b[2Ja", "a [bold]"),
        )
        screen.script.members.put_nowait(Seen({}, None, news))
        await screen.until("m0 → m1")
        lines = screen.lines
        left = next(i for i, line in enumerate(lines) if "left" in line)
        leader = next(i for i, line in enumerate(lines) if "leader" in line)
        assert left < leader
        assert "a [bold]" in lines[left]
        assert "\x1b" not in screen.text


async def test_what_is_rare_is_not_pushed_out_by_what_comes_often(opened: Opened) -> None:
    async with opened(command="overview") as screen:
        now = datetime.now(UTC)
        leader = Event(now, EventKind.LEADER, "fake/main", "fake/main", "m0 → m1")
        states = (Event(now, EventKind.STATE, "fake/main", f"u{n}", "down") for n in range(50))
        joined = Event(now, EventKind.JOINED, "fake/main", "web/a", "a")
        screen.script.members.put_nowait(Seen({}, None, (leader, *states, joined)))
        await screen.until("u49")
        assert "m0 → m1" in screen.text
        assert "web/a" not in screen.text


async def test_the_cursor_is_on_the_first_problem_until_somebody_moves_it(opened: Opened) -> None:
    def chosen() -> str:
        return next((line for line in screen.lines if line.startswith("▌")), "")

    async with opened(command="overview") as screen:
        for number in range(3):
            ill = [member(f"m{n}", MemberState.UNKNOWN, trouble=silent()) for n in range(2, 1 - number, -1)]
            screen.script.say_members(*ill, member("m9", role=Role.LEADER))
            await screen.until(f"{number + 1} problem")
            screen.app.tick()
            first = next(line for line in screen.lines if "✖" in line)
            await screen.until(lambda first=first: chosen() == f"▌{first[1:]}")
        await screen.press("G")
        await screen.until(lambda: "m9 leads" in chosen())
        await screen.press("g")
        await screen.until(lambda: "✖" in chosen())


async def test_moving_goes_from_board_to_board(opened: Opened) -> None:
    async with opened(command="overview") as screen:
        screen.script.say_members(member("m0", MemberState.DOWN, role=Role.LEADER, trouble=silent()))
        await screen.until("✖ fake/main m0")
        await screen.press("j")
        await screen.until(lambda: any(line.startswith("▌fake/main") for line in screen.lines))
        await screen.press("k")
        await screen.until(lambda: any(line.startswith("▌✖") for line in screen.lines))


async def test_logs_that_are_lost_are_wrong_and_enter_leads_to_them(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def logs(backend: Fake, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        if last is None:
            yield Seen(LogBatch((LogBlock("app.log", b"a line", 1),), None))
        raise Denied("permission denied", where="/var/log/app.log")

    monkeypatch.setattr(Fake, "logs", logs)
    async with opened(command="overview") as screen:
        screen.script.say_members(member("m0", role=Role.LEADER))
        await screen.until("permission denied")
        assert "1 problem " in screen.text
        await screen.press("enter")
        await screen.until("UNREACHABLE")
        await screen.until("a line")


async def test_a_source_that_could_not_be_made_says_why_and_what_to_do(opened: Opened) -> None:
    lab = Context("lab", (SourceConfig("nosuchkind", "main", FakeSettings()),))
    async with opened(contexts=(lab,), command="overview") as screen:
        await screen.until("broken")
        await screen.press("enter")
        await screen.until("midwatch config check")
        assert "nosuchkind/main" in screen.text


async def test_how_many_more_there_are_is_told_anew(opened: Opened) -> None:
    async with opened(command="overview", size=(80, 24)) as screen:
        for count, more in ((12, 4), (14, 6), (13, 5)):
            ill = (member(f"m{n:02}", MemberState.UNKNOWN, trouble=silent()) for n in range(count))
            screen.script.say_members(*ill, member("n", role=Role.LEADER))
            await screen.until(f"WRONG NOW  {more} more")


async def test_events_stand_by_their_own_time_whenever_they_were_told(opened: Opened) -> None:
    """A journal that is read late tells of what was before."""
    now = datetime.now(UTC)
    late = Event(now - timedelta(minutes=3), EventKind.DEPLOY, "fake/main", "web", "started by ops2")
    async with opened(command="overview") as screen:
        ill = Event(now, EventKind.STATE, "fake/main", "m1", "up → unknown", bad=True)
        screen.script.members.put_nowait(Seen({row.key: row for row in [member("m0")]}, None, (ill, late)))

        def order() -> list[str]:
            return [w for line in screen.lines for w in ("deploy ", "state ") if f" {w}" in line]

        await screen.until(lambda: order() == ["state ", "deploy "])
        await screen.type(":events\r")
        await screen.until(lambda: order() == ["state ", "deploy "])


async def test_on_a_small_terminal_problems_and_mode_stay_in_sight(opened: Opened) -> None:
    async with opened(command="overview", size=(40, 12)) as screen:
        ill = member("m1", MemberState.UNKNOWN, trouble=silent())
        screen.script.say_members(member("m0", role=Role.LEADER), ill)
        await screen.until("✖ fake/main m1")
        for word in ("lab", "guarded", "silent", "small: 80x24 shows more", "? help"):
            assert word in screen.text
        await screen.type(":members\r")
        await screen.until("sort group")
        assert any("m1" in line and "silent" in line for line in screen.lines)


@pytest.mark.parametrize("columns", [40, 60])
async def test_the_mode_has_room_beside_what_is_not_well(opened: Opened, columns: int) -> None:
    shop = Context("shop-prod", (SourceConfig("fake", "main", FakeSettings()),), read_only=True)
    async with opened(contexts=(shop,), command="overview", size=(columns, 12)) as screen:
        screen.script.members.put_nowait(Unreachable("connection refused"))
        await screen.until(lambda: "✖ fake/main" in screen.lines[0])
        assert "shop-prod" in screen.lines[0]
        assert "read-only" in screen.lines[0]


async def test_without_a_source_nothing_is_said_to_be_well(opened: Opened) -> None:
    async with opened(contexts=(Context("bare"),), command="overview") as screen:
        await screen.until("midwatch config init")
        assert "nothing is wrong" not in screen.text


async def test_who_has_configured_nothing_is_told_how_to_and_who_has_is_not(opened: Opened) -> None:
    found = Context("default", (SourceConfig("fake", "main", FakeSettings(), found="this host"),))
    async with opened(contexts=(found,), command="overview") as screen:
        screen.script.say_members(member("m0", role=Role.LEADER))
        await screen.until("m0 leads")
        assert screen.text.count("midwatch config init") == 1
    async with opened(command="overview") as screen:
        screen.script.say_members(member("m0", role=Role.LEADER))
        await screen.until("m0 leads")
        assert "config init" not in screen.text


async def test_an_error_rate_that_is_up_is_wrong_and_enter_leads_to_its_lines(opened: Opened) -> None:
    clock = FakeClock()
    async with opened(command="overview", clock=clock) as screen:

        async def buckets(count: int, *lines: bytes) -> None:
            for _ in range(count):
                screen.script.say_members(member("m0", role=Role.LEADER))
                screen.script.say_lines(*lines, origin="/var/log/web-3.log")
                await clock.advance(BUCKET)

        await buckets(BUCKETS_NEEDED + WINDOW + 1, b"fine")
        await buckets(2, *[b"ERROR refused"] * 60)
        await screen.until(lambda: any("web-3.log" in line and "▲" in line for line in screen.lines))
        await screen.until("1 problem")
        await screen.press("enter")
        await screen.until("logs  of")
        await screen.type(":overview\r")
        await buckets(6, b"fine")
        await screen.until("nothing is wrong")
        await screen.until("over after")


async def test_vital_signs_stand_side_by_side_where_they_fit_and_each_can_be_opened(opened: Opened) -> None:
    two = Context("lab", tuple(SourceConfig("fake", n, FakeSettings(script=n)) for n in ("main", "prod")))
    for size, beside in (((120, 24), True), ((50, 24), False)):
        async with opened(contexts=(two,), command="overview", size=size) as screen:
            for name in ("main", "prod"):
                SCRIPTS.setdefault(name, Script()).say_members(member("m0", role=Role.LEADER))
            await screen.until(lambda: screen.text.count("m0 leads") == 2)
            assert any(line.count("m0 leads") == 2 for line in screen.lines) is beside
            await screen.press("G")
            await screen.until(lambda: "fake/prod" in (screen.app.view.vital.chosen or ""))
            await screen.press("k")
            await screen.until(lambda: "fake/main" in (screen.app.view.vital.chosen or ""))
