"""A noun, its kind, the `:` word and the verb that show it: what belongs together is there together."""

from __future__ import annotations

import pytest

from backends.api.capabilities import ABILITIES, kind_of
from backends.incident.problems import CHECKS
from backends.incident.timeline import TIMELINE
from tests.outside.program import verbs
from tui.commands import COMMANDS
from tui.kinds.known import KINDS


@pytest.mark.parametrize("noun", [noun for noun in ABILITIES if noun != "logs"])
def test_every_noun_is_shown_by_a_kind(noun: str) -> None:
    kind = KINDS.get(kind_of(noun))
    assert kind is not None, f"{noun} has a feed and no kind: a row in tui/kinds/named.py, or `kind` in ABILITIES"
    assert noun in (*kind.nouns, *kind.aside), f"the kind {kind.name} does not name {noun} among its nouns"


@pytest.mark.parametrize("name", KINDS)
def test_what_a_kind_shows_has_a_feed(name: str) -> None:
    kind = KINDS[name]
    without = {*kind.nouns, *kind.aside, *kind.beside} - {*ABILITIES, TIMELINE.noun}
    assert not without, f"{name}: {', '.join(sorted(without))} has no feed: a row of ABILITIES (capabilities.py)"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_word_and_a_verb(name: str) -> None:
    words = {command.word for command in COMMANDS if command.do == f"show {name}"}
    assert name in words, f"nothing opens {name}: its row in tui/kinds/named.py"
    assert name in verbs(), f"no verb prints {name}: `listed` of its row in tui/kinds/named.py"


def test_only_what_has_a_feed_is_checked_for_problems() -> None:
    assert set(CHECKS) <= set(ABILITIES)
