"""Instances and changes from looks at znodes: rows, news, gaps."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.details import Trouble
from backends.api.errors import Denied, Misconfigured
from backends.api.events import Event, EventKind
from backends.api.members import Members, MemberState, Role
from backends.api.stores import ChangeKind, KeyChange
from backends.coordination.zookeeper_census import ZookeeperAnswer, ZookeeperCensus
from backends.coordination.zookeeper_changes import Changes, root_of
from backends.coordination.zookeeper_instances import Groups
from backends.coordination.zookeeper_link import Node, Stat
from backends.coordination.zookeeper_tree import Changed, Listed, Root
from backends.coordination.zookeeper_words import Status

WEB = "/services/web"


def node(zxid: int, *, created: int = 1, version: int = 0, data: bytes = b"10.0.0.1:80") -> Node:
    return Node(Stat(created, zxid, version, 7), data, ())


def groups() -> Groups:
    return Groups("zookeeper/main", {"web": WEB})


def events(news: tuple[object, ...]) -> list[tuple[EventKind, str, bool]]:
    return [(item.kind, item.target, item.after_gap) for item in news if isinstance(item, Event)]


def changes(news: tuple[object, ...]) -> list[tuple[str, str, bytes | None]]:
    return [(item.kind.value, item.key.decode(), item.value) for item in news if isinstance(item, KeyChange)]


def test_what_is_there_at_the_beginning_is_no_news() -> None:
    seen = groups().listed(None, Listed({WEB: node(1), f"{WEB}/a": node(2), "/other": node(3)}))
    assert [row.name for row in seen.value.values()] == ["a"]
    assert seen.news == ()


def test_one_path_may_be_two_groups() -> None:
    mine = Groups("zookeeper/main", {"web": WEB, "all": f"{WEB}/"})
    assert mine.roots == [Root(WEB, 1)]
    seen = mine.listed(None, Listed({f"{WEB}/a": node(2)}))
    assert sorted(row.group or "" for row in seen.value.values()) == ["all", "web"]


def test_live_and_after_a_gap() -> None:
    mine = groups()
    before = mine.listed(None, Listed({f"{WEB}/a": node(2), f"{WEB}/b": node(2)})).value
    live = mine.changed(before, Changed({f"{WEB}/a": None, f"{WEB}/c": node(9, created=9), WEB: node(1)}))
    assert events(live.news) == [(EventKind.LEFT, "web/a", False), (EventKind.JOINED, "web/c", False)]
    after = mine.listed(live.value, Listed({f"{WEB}/b": node(2), f"{WEB}/c": node(12, created=12)}))
    assert events(after.news) == [(EventKind.LEFT, "web/c", True), (EventKind.JOINED, "web/c", True)]
    kept = next(key for key, row in before.items() if row.name == "b")
    assert after.value[kept] is before[kept]
    again = mine.listed(after.value, Listed({f"{WEB}/b": node(2), f"{WEB}/c": node(12, created=12)}))
    assert (again.changed, again.news) == (frozenset(), ())


def test_a_look_that_finds_nothing_new_is_no_change() -> None:
    mine = groups()
    before = mine.listed(None, Listed({f"{WEB}/a": node(2)})).value
    seen = mine.changed(before, Changed({WEB: node(1), f"{WEB}/a": node(2)}))
    assert seen.value is before
    assert seen.changed == frozenset()


DENIED = Denied("permission denied")


def closed(zxid: int) -> Node:
    return Node(Stat(1, zxid, 0, 7), None, (), DENIED)


HIDDEN = Node(None, None, (), DENIED)


def test_where_not_even_the_stat_may_be_read_the_row_stays_and_nothing_is_made_up() -> None:
    there = groups()
    seen = there.listed(None, Listed({WEB: node(1), f"{WEB}/a": HIDDEN}))
    (row,) = [row for row in seen.value.values() if row.name == "a"]
    assert (row.state, row.created, row.trouble) == (MemberState.UP, None, Trouble(DENIED))
    assert [detail.label for detail in row.details] == ["znode", "value"]
    # That it may be read from now on is no re-registration.
    seen = there.changed(seen.value, Changed({f"{WEB}/a": node(2)}))
    assert events(seen.news) == []


def test_a_change_that_may_not_be_seen_is_a_gap_once_and_its_value_is_told_when_it_is_allowed() -> None:
    there = Changes(b"/a")
    there.listed(Listed({}))
    assert changes(there.changed(Changed({"/a/x": HIDDEN})).news) == [("gap", "/a/x", ANY)]
    assert changes(there.changed(Changed({"/a/x": HIDDEN})).news) == []
    assert changes(there.changed(Changed({"/a/x": node(5, version=3)})).news) == [("put", "/a/x", b"10.0.0.1:80")]
    assert changes(there.changed(Changed({"/a/x": None})).news) == [("delete", "/a/x", None)]


def test_a_znode_that_may_not_be_read_costs_its_own_row() -> None:
    rows = groups().listed(None, Listed({WEB: node(1), f"{WEB}/a": node(2), f"{WEB}/b": closed(3)})).value
    troubles = {row.name: row.trouble and row.trouble.error for row in rows.values()}
    assert troubles == {"a": None, "b": DENIED}
    assert {row.state for row in rows.values()} == {MemberState.UP}


def test_a_group_that_may_not_be_listed_costs_itself_and_nobody_has_left_it() -> None:
    mine = Groups("zookeeper/main", {"web": WEB, "api": "/api"})
    first = mine.listed(None, Listed({WEB: closed(1), "/api": node(1), "/api/a": node(2)})).value
    assert {(row.group, row.state.value) for row in first.values()} == {("web", "unknown"), ("api", "up")}
    opened = mine.changed(first, Changed({WEB: node(1), f"{WEB}/b": node(2)}))
    assert sorted(row.name for row in opened.value.values()) == ["a", "b"]
    assert events(opened.news) == [(EventKind.JOINED, "web/b", False)]
    again = mine.listed(opened.value, Listed({WEB: closed(1), "/api": node(1), "/api/a": node(2)}))
    assert sorted(row.name for row in again.value.values()) == [WEB, "a", "b"]
    assert again.news == ()


@pytest.mark.parametrize(("owner", "word"), [(7, "0x7"), (-(1 << 63), "none"), (0, "none"), (-2, "none")])
def test_only_a_session_is_shown_as_one(owner: int, word: str) -> None:
    made = Node(Stat(1, 1, 0, owner), b"", ())
    row = next(iter(groups().listed(None, Listed({f"{WEB}/a": made})).value.values()))
    session = next(str(detail.value) for detail in row.details if detail.label == "session")
    assert session.startswith(word)


@given(st.text(min_size=1, max_size=20).filter(lambda text: "/" not in text))
def test_any_znode_is_found_again(name: str) -> None:
    mine = groups()
    row = next(iter(mine.listed(None, Listed({f"{WEB}/{name}": node(1)})).value.values()))
    assert mine.path_of(row) == f"{WEB}/{name}"


def test_changes_are_told_once_in_the_order_of_their_zxids() -> None:
    mine = Changes(b"/n/")
    assert mine.listed(Listed({"/n": node(1), "/n/a": node(2)})).news == ()
    seen = mine.changed(Changed({"/n/c": node(9), "/n/b": node(8), "/n/a": node(2), "/n": node(9)}))
    assert changes(seen.news) == [("put", "/n/b", b"10.0.0.1:80"), ("put", "/n/c", b"10.0.0.1:80")]
    assert seen.value == 9
    assert mine.changed(Changed({"/n/c": node(9), "/n/d": None})).news == ()
    assert changes(mine.changed(Changed({"/n/c": None})).news) == [("delete", "/n/c", None)]


def test_a_version_that_was_passed_over_is_a_gap_of_its_key() -> None:
    mine = Changes(b"/")
    mine.listed(Listed({"/a": node(1)}))
    assert [kind for kind, _, _ in changes(mine.changed(Changed({"/a": node(5, version=1)})).news)] == ["put"]
    told = changes(mine.changed(Changed({"/a": node(9, version=4)})).news)
    assert told[0] == ("gap", "/a", b"2 changes of it passed between two looks")
    assert [kind for kind, _, _ in told] == ["gap", "put"]


def test_one_that_went_and_came_back_between_two_looks_did_both() -> None:
    mine = Changes(b"/")
    mine.listed(Listed({"/a": node(1)}))
    told = changes(mine.changed(Changed({"/a": node(9, created=9)})).news)
    assert [kind for kind, _, _ in told] == ["delete", "put"]


def test_a_new_session_is_a_gap_and_then_the_difference() -> None:
    mine = Changes(b"/")
    mine.listed(Listed({"/a": node(1), "/b": node(1)}))
    seen = mine.listed(Listed({"/a": node(9, version=3)}))
    told = [(item.kind, item.key) for item in seen.news if isinstance(item, KeyChange)]
    assert told == [(ChangeKind.GAP, b"/"), (ChangeKind.DELETE, b"/b"), (ChangeKind.PUT, b"/a")]


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("/a/", ["/a/b", "/a/b/c"], ["/ab", "/b"]),
        ("/a/b", ["/a/b", "/a/bc", "/a/bc/d"], ["/a/c"]),
        ("/", ["/a", "/a/b"], []),
        ("/a", ["/a", "/ab/c"], ["/b"]),
    ],
)
def test_a_prefix_is_one_root(prefix: str, inside: list[str], outside: list[str]) -> None:
    root = root_of(prefix)
    assert all(root.level(path) for path in inside)
    assert not any(root.level(path) for path in outside)


def test_a_prefix_is_a_path() -> None:
    with pytest.raises(Misconfigured, match="begins with /"):
        root_of("services")


def test_what_changed_among_the_servers_during_an_outage_is_marked() -> None:
    mine = ZookeeperCensus("zookeeper/main")

    def round(leader: str, *, gap: bool, before: Members) -> tuple[Members, list[tuple[EventKind, str, bool]]]:
        for server in ("a:1", "b:1"):
            role = Role.LEADER if server == leader else Role.FOLLOWER
            mine.answers[server] = ZookeeperAnswer(status=Status(role=role, zxid=1 << 32), at=0.0)
        rows, news = mine.rows(("a:1", "b:1"), before, after_gap=gap)
        return rows, events(tuple(news))

    rows, _ = round("a:1", gap=False, before={})
    rows, live = round("b:1", gap=False, before=rows)
    _, after = round("a:1", gap=True, before=rows)
    assert live == [(EventKind.LEADER, "zookeeper/main", False)]
    assert after == [(EventKind.LEADER, "zookeeper/main", True)]
