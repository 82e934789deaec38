"""What is said of a word that nobody knows."""

from __future__ import annotations

from backends.nearest import nearest, one_of


def test_a_word_that_is_near_is_told_and_no_other() -> None:
    assert nearest("memers", ["processes", "members", "members"]) == "; nearest is members"
    assert nearest("xyz", ["processes", "members"]) == ""
    assert nearest("", ["members"]) == ""


def test_what_was_expected_comes_before_it() -> None:
    assert one_of("wbe", iter(["web", "db"])) == ", expected one of web, db; nearest is web"
    assert one_of("wbe", []) == ", there is none"
