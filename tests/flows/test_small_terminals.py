"""On a terminal of 40x12, or one that becomes so: what matters most is what is left, and it is there at once."""

from __future__ import annotations

from backends.api.errors import Unreachable
from tests.clock import FakeClock
from tests.flows.conftest import Opened
from tests.flows.fake import member, process


async def test_the_first_line_says_as_much_as_fits_as_soon_as_the_terminal_has_another_size(
    opened: Opened,
) -> None:
    async with opened(size=(80, 24), clock=FakeClock()) as screen:
        screen.script.say_members(member("m0"))
        await screen.pilot.pause()
        assert screen.lines[0].startswith(" midwatch ")
        await screen.pilot.resize_terminal(40, 12)
        await screen.until(lambda: len(screen.lines) == 12, 0.5)
        assert screen.lines[0].startswith(" lab  guarded ")
        await screen.pilot.resize_terminal(80, 24)
        await screen.until(lambda: len(screen.lines) == 24, 0.5)
        assert screen.lines[0].startswith(" midwatch ")


async def test_that_rows_are_hidden_by_a_filter_is_said_before_how_they_are_sorted(opened: Opened) -> None:
    async with opened(size=(40, 12)) as screen:
        screen.script.say_members(member("m0"), member("m1"))
        await screen.until("m1")
        await screen.type("/m1\r")
        await screen.until("1 of 2")
        assert "filter m1" in screen.lines[1]


async def test_that_lines_are_hidden_is_said_before_how_many_there_are(opened: Opened) -> None:
    async with opened(size=(40, 12), command="logs") as screen:
        screen.script.say_lines(b"all fine", b"ERROR refused")
        await screen.until("refused")
        await screen.type("&nonesuch\r")
        await screen.until("hides them")
        assert "only nonesuch" in screen.lines[1]


async def test_labels_of_a_description_are_dim_and_what_goes_on_says_so(opened: Opened) -> None:
    async with opened(size=(40, 12), command="processes") as screen:
        screen.script.say_processes(process(7, "nginx", command="/usr/sbin/nginx -g " + "daemon-off " * 9))
        await screen.until("nginx")
        await screen.press("d", "w")
        await screen.until("command  /usr")
        strip = next(s for s in screen.app.screen._compositor.render_strips() if "command  /usr" in s.text)
        assert strip.text.endswith("…")
        dim = "".join(part.text for part in strip if part.style is not None and part.style.dim)
        assert dim.strip() == "command…"


async def test_a_long_reason_does_not_hide_that_rows_are_filtered(opened: Opened) -> None:
    async with opened(size=(60, 20)) as screen:
        screen.script.say_members(member("m0"), member("m1"))
        await screen.until("m1")
        await screen.type("/m1\r")
        screen.script.members.put_nowait(Unreachable("connection refused " * 3, where="10.0.0.1:2379"))
        await screen.until("UNREACHABLE")
        assert screen.lines[1].startswith(" members  1 of 2  filter m1")
        assert screen.lines[1].endswith("…")


async def test_the_histogram_stands_there_as_soon_as_it_has_room(opened: Opened) -> None:
    async with opened(size=(80, 24), command="logs") as screen:
        screen.script.say_lines(b"2026-11-24T02:00:00Z fine", b"2026-11-24T02:03:00Z ERROR refused")
        await screen.until("a bar")
        await screen.pilot.resize_terminal(40, 12)
        await screen.until(lambda: "a bar" not in screen.text)
        await screen.pilot.resize_terminal(80, 24)
        await screen.until("a bar", 0.5)
