"""Instances from keys: rows, news and what differs between two values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.api.events import Event, EventKind
from backends.coordination.etcd_instances import Groups, Instances
from backends.coordination.etcd_stream import Change, Changed, KeyValue
from backends.coordination.etcd_watch import Listed

WEB = b"/services/web/"


def kv(key: bytes, modified: int, *, created: int = 1, value: bytes = b"10.0.0.1:80") -> KeyValue:
    return KeyValue(key, value, 1, created, modified, 0)


def put(key: bytes, modified: int) -> Change:
    return Change(0, key, kv(key, modified), modified)


def delete(key: bytes, modified: int) -> Change:
    return Change(0, key, None, modified)


def groups() -> Groups:
    return Groups("etcd/main", {"web": WEB.decode()})


def told(news: tuple[object, ...]) -> list[tuple[EventKind, str]]:
    return [(item.kind, item.target) for item in news if isinstance(item, Event)]


def beginning(*keys: bytes) -> Instances:
    return groups().listed(None, Listed((9,), (tuple(kv(key, 9) for key in keys),))).value


def test_what_is_there_at_the_beginning_is_no_news() -> None:
    seen = groups().listed(None, Listed((9,), ((kv(WEB + b"a", 9),),)))
    assert seen.news == ()
    assert [row.name for row in seen.value.values()] == ["a"]


def test_one_that_came_and_went_within_a_step_is_two_events_and_no_difference() -> None:
    before = beginning(WEB + b"a")
    seen = groups().changed(before, Changed((11,), (put(WEB + b"b", 10), delete(WEB + b"b", 11))))
    assert told(seen.news) == [(EventKind.JOINED, "web/b"), (EventKind.LEFT, "web/b")]
    assert seen.changed == frozenset()
    assert seen.value.keys() == before.keys()


def test_a_value_is_not_changed_after_it_was_yielded() -> None:
    before = beginning(WEB + b"a")
    groups().changed(before, Changed((10,), (delete(WEB + b"a", 10),)))
    assert [row.name for row in before.values()] == ["a"]


def test_after_a_gap_who_came_and_went_is_derived_and_marked() -> None:
    before = beginning(WEB + b"a", WEB + b"b", WEB + b"c")
    after = Listed((30,), ((kv(WEB + b"b", 9), kv(WEB + b"c", 25, created=25), kv(WEB + b"d", 28)),), gap="lost")
    seen = groups().listed(before, after)
    assert sorted(told(seen.news)) == sorted(
        [
            (EventKind.LEFT, "web/a"),
            (EventKind.LEFT, "web/c"),
            (EventKind.JOINED, "web/c"),
            (EventKind.JOINED, "web/d"),
        ]
    )
    assert all(isinstance(item, Event) and item.after_gap for item in seen.news)
    kept = next(key for key, row in seen.value.items() if row.name == "b")
    assert seen.value[kept] is before[kept]


keys = st.lists(st.sampled_from([b"\\", b"x", b"ff", b"\xff", b"a", "é".encode()]), max_size=8).map(b"".join)
"""Made of what an escape is made of: bytes at random hardly ever hold one."""


@given(keys | st.binary(max_size=40))
def test_any_key_is_found_again(tail: bytes) -> None:
    mine = groups()
    row = next(iter(mine.listed(None, Listed((1,), ((kv(WEB + tail, 1),),))).value.values()))
    assert mine.key_of(row) == WEB + tail


def test_of_two_groups_the_one_that_is_listed_anew_loses_who_left_and_the_other_stays_as_it_was() -> None:
    mine = Groups("etcd/main", {"web": "/web/", "api": "/api/"})
    both = Listed((9, 9), ((kv(b"/web/a", 9), kv(b"/web/b", 9)), (kv(b"/api/c", 9),)))
    before = mine.listed(None, both).value
    seen = mine.listed(before, Listed((30, 25), ((kv(b"/web/b", 9),), None), gap="lost"))
    assert sorted(row.name for row in seen.value.values()) == ["b", "c"]
    assert told(seen.news) == [(EventKind.LEFT, "web/a")]
    assert seen.value.position == (30, 25)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([b"a", b"b", b"c"])), max_size=30))
def test_rows_are_what_the_store_would_hold(steps: list[tuple[bool, bytes]]) -> None:
    value = beginning()
    store: set[str] = set()
    for revision, (puts, name) in enumerate(steps, 10):
        change = put(WEB + name, revision) if puts else delete(WEB + name, revision)
        seen = groups().changed(value, Changed((revision,), (change,)))
        different = frozenset(
            key for key in value.keys() | seen.value.keys() if value.get(key) is not seen.value.get(key)
        )
        assert seen.changed == different
        value = seen.value
        store = store | {name.decode()} if puts else store - {name.decode()}
    assert {row.name for row in value.values()} == store
