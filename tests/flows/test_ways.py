"""The ways between screens: digits and words replace, what a row leads to is gone back from, q goes up."""

from __future__ import annotations

from backends.api.members import Role
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import member, process


def name(screen: Screen) -> str:
    return str(screen.app.view.name_in_path)


async def filled(screen: Screen) -> None:
    screen.script.say_members(member("m0"))
    screen.script.say_processes(process(7, "nginx"))
    await screen.until("m0")


async def test_digits_and_words_are_no_steps_to_go_back(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("3254:events\r:runs\r6123")
        assert name(screen) == "processes"
        await screen.press("q")
        assert name(screen) == "overview"
        await screen.press("q")
        await screen.until(lambda: screen.app.return_code is not None)


async def test_a_word_by_itself_shows_all_and_a_digit_what_was_left(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"), member("m1"))
        await screen.until("m1")
        await screen.type(":members m0\r")
        await screen.until("1 of 2")
        await screen.type("32")
        await screen.until("filter m0")
        await screen.type("3:members\r")
        await screen.until(lambda: name(screen) == "members" and "m1" in screen.text)
        assert "filter" not in screen.lines[1]


async def test_q_goes_back_the_way_that_rows_led(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("dy")
        await screen.until("raw of fake/main/m0")
        await screen.press("question_mark")
        await screen.until("In this text")
        await screen.press("q")
        await screen.until("raw of fake/main/m0")
        await screen.press("q")
        await screen.until("fakectl get")
        await screen.press("q")
        assert name(screen) == "members"
        await screen.press("l")
        assert name(screen) == "logs"
        await screen.press("q")
        assert name(screen) == "members"
        await screen.press("q")
        assert name(screen) == "overview"


async def test_escape_clears_and_closes_and_stays_on_a_screen_of_its_own(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("3")
        await screen.until("nginx")
        await screen.type("d")
        assert name(screen).endswith("nginx")
        await screen.press("escape")
        assert name(screen) == "processes"
        await screen.type("/nginx\r")
        await screen.press(*["escape"] * 5)
        assert name(screen) == "processes"
        assert screen.app.view.table.filter_text == ""
        await screen.press("l")
        assert name(screen) == "logs"
        await screen.press("escape")
        assert name(screen) == "processes"


async def test_q_goes_up_though_a_filter_is_set(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("/m0\r")
        await screen.press("q")
        assert name(screen) == "overview"


async def test_q_closes_a_detail_before_it_leaves_the_screen(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("/m0\r\r")
        await screen.until("round trip")
        await screen.press("q")
        assert name(screen) == "members"
        assert "round trip" not in screen.text
        assert screen.app.view.table.filter_text == "m0"
        await screen.press("q")
        assert name(screen) == "overview"


async def test_minus_is_the_view_before_whatever_was_read_in_between(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("3")
        await screen.until("nginx")
        await screen.type("d")
        assert name(screen).endswith("nginx")
        await screen.press("question_mark", "minus", "minus")
        assert name(screen) == "processes"
        await screen.press("minus")
        assert name(screen) == "members"
        await screen.press("minus")
        assert name(screen) == "processes"
        await screen.type("d2")
        await screen.press("minus")
        assert name(screen) == "processes"


async def test_what_was_closed_is_not_kept(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        for _ in range(5):
            await screen.type("dyqq")
        await screen.until(lambda: len(screen.app.front.children) <= 3)


async def test_what_works_on_a_row_works_on_its_description(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("d")
        await screen.press("question_mark")
        await screen.until("In this description")
        text = screen.app.view.plain_text()
        assert "the raw record" in text
        assert "on to what belongs to it" in text
        assert "its logs" in text
        assert "send it a signal" in text
        await screen.press("q", "o")
        await screen.until("nothing else is known to belong to this")
        await screen.press("l")
        assert name(screen) == "logs"
        await screen.press("q", "c")
        await screen.until("copied")
        await screen.press("K")
        await screen.until("[ close ]")
        assert not screen.app.flow.dialog.form.buttons


async def test_a_description_goes_on_with_its_row_and_says_when_that_is_gone(opened: Opened) -> None:
    async with opened() as screen:
        await filled(screen)
        await screen.type("d")
        await screen.until("follower")
        screen.script.say_members(member("m0", role=Role.LEADER))
        await screen.until("leader", seconds=8)
        screen.script.say_members(member("m1"))
        await screen.until("it is not there any more; this was known of it:", seconds=8)
        await screen.press("y")
        assert "raw of" not in screen.text
