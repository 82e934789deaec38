"""The watch loop over etcd, with the wire in the test's hands: what a real server does only when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from backends.api.errors import BackendError, Denied, Misconfigured, Silent, Unreachable
from backends.coordination import etcd_watch
from backends.coordination.etcd import EtcdSettings
from backends.coordination.etcd_errors import Compacted, NoLeader, OtherCluster
from backends.coordination.etcd_stream import Confirmed, Position
from backends.coordination.etcd_watch import COMPACTED, HURRY, REPLACED, RESTORED, Listed, Step, follow
from backends.coordination.etcd_wire import Wire

Script = list[list[Step | BackendError]]


class Played(Wire):
    """A store at a revision, and watches that do what their script says, one after the other."""

    def __init__(self, *endpoints: str, revision: int = 9, keys: Sequence[bytes] = ()) -> None:
        super().__init__(EtcdSettings(endpoints=endpoints or ("a:1",)).access(), 5.0)
        self.revision, self.keys = revision, list(keys)
        self.ranges: list[Any] = []
        self.watches: list[tuple[str, Position, float]] = []
        self.script: Script = []
        self.refusals: Sequence[BackendError] = []
        self.tokens = 0

    async def call(
        self,
        endpoint: str,
        service: str,
        method: str,
        request: Any,
        timeout: float | None = None,
        *,
        leader: bool = False,
    ) -> Any:
        if method != "Range":
            raise Unreachable("asked for nothing else", where=endpoint)
        if self.refusals:
            first, *self.refusals = self.refusals
            raise first
        self.ranges.append(request)
        end = request.range_end
        found = [key for key in sorted(self.keys) if request.key <= key and (end == b"\0" or key < end)]
        kvs = [self.pb_kv(key) for key in found[: request.limit]]
        header = self.pb.RangeResponse().header
        header.revision, header.cluster_id = self.revision, 1
        return self.pb.RangeResponse(header=header, kvs=kvs, count=len(found), more=len(found) > len(kvs))

    def pb_kv(self, key: bytes) -> Any:
        made = self.pb.RangeResponse().kvs.add()
        made.key, made.mod_revision = key, self.revision
        return made

    def forget_token(self, endpoint: str) -> bool:
        self.tokens += 1
        return True

    async def stream(
        self, wire: Wire, endpoint: str, prefixes: Sequence[bytes], position: Position, limit: float
    ) -> AsyncGenerator[Step, None]:
        self.watches.append((endpoint, position, limit))
        for item in self.script.pop(0):
            if isinstance(item, BackendError):
                raise item
            yield item
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd_watch, "LAP", 0.0)


async def steps(
    wire: Played,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    *script: list[Step | BackendError],
    position: Position | None = None,
    prefixes: Sequence[bytes] = (b"/web/",),
) -> list[Step]:
    """The next steps from behind a position; each list of the script is one watch, and what it says."""
    monkeypatch.setattr(etcd_watch, "watch_stream", wire.stream)
    wire.script = list(script)
    found: list[Step] = []
    async with asyncio.timeout(10), aclosing(follow(wire, prefixes, position, keys=True)) as going:
        while len(found) < count:
            found.append(await anext(going))
    return found


async def test_a_listing_in_pages_is_of_one_revision_and_has_each_key_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(etcd_watch, "PAGE", 2)
    keys = [b"/web/a", b"/web/a\0", b"/web/b", b"/web/c", b"/web/d"]
    wire = Played(keys=keys, revision=9)
    (listed,) = await steps(wire, monkeypatch, 1)
    assert isinstance(listed, Listed)
    assert [kv.key for kv in listed.found[0] or ()] == keys
    assert [request.revision for request in wire.ranges] == [0, 9, 9]
    assert (listed.position, listed.gap) == ((9,), None)


async def test_pages_stay_at_the_first_ones_revision_though_the_store_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(etcd_watch, "PAGE", 1)
    wire = Played(keys=[b"/web/a", b"/web/b"], revision=9)
    answer = wire.call

    async def call(*asked: Any, **more: Any) -> Any:
        reply = await answer(*asked, **more)
        wire.revision += 1
        return reply

    monkeypatch.setattr(wire, "call", call)
    (listed,) = await steps(wire, monkeypatch, 1)
    assert listed.position == (9,)


async def test_a_whole_store_below_a_prefix_is_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd_watch, "KEYS_MOST", 2)
    assert await steps(Played(keys=[b"/web/a", b"/web/b"]), monkeypatch, 1)
    with pytest.raises(Misconfigured, match="3 keys below this prefix"):
        await steps(Played(keys=[b"/web/a", b"/web/b", b"/web/c"]), monkeypatch, 1)


@pytest.mark.parametrize("position", [(10,), (5, 10)])
async def test_a_store_that_went_back_in_time_is_a_gap_told_once(
    monkeypatch: pytest.MonkeyPatch, position: Position
) -> None:
    wire = Played("a:1", "b:1", revision=7, keys=[b"/web/a"])
    prefixes = (b"/web/", b"/api/")[: len(position)]
    now = (7,) * len(position)
    listed, then = await steps(
        wire,
        monkeypatch,
        2,
        [Unreachable("reset")],
        [Confirmed(now)],
        position=position,
        prefixes=prefixes,
    )
    assert isinstance(listed, Listed)
    assert (listed.gap, listed.position) == (RESTORED, now)
    assert then == Confirmed(now)


async def test_a_store_that_stands_where_it_was_seen_did_not_go_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Played(revision=9)
    assert await steps(wire, monkeypatch, 1, [Confirmed((9,))], position=(9,)) == [Confirmed((9,))]


async def test_after_a_compaction_what_was_seen_up_to_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compacted = Compacted("that revision is compacted away")
    compacted.revision = 9
    wire = Played(revision=12, keys=[b"/web/a", b"/api/b"])
    (listed,) = await steps(wire, monkeypatch, 1, [compacted], position=(9, 4), prefixes=(b"/web/", b"/api/"))
    assert isinstance(listed, Listed)
    assert listed.found[0] is None
    assert [kv.key for kv in listed.found[1] or ()] == [b"/api/b"]
    assert (listed.position, listed.gap) == ((9, 9), COMPACTED)


async def test_another_cluster_at_all_addresses_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Played("a:1", "b:1", revision=3)
    wire.refusals = [OtherCluster("belongs to another cluster", where=at) for at in ("a:1", "b:1")]
    (listed,) = await steps(wire, monkeypatch, 1, position=(9,))
    assert isinstance(listed, Listed)
    assert (listed.gap, listed.position) == (REPLACED, (3,))


async def test_an_endpoint_that_failed_long_ago_does_not_count_when_another_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Played("a:1", "b:1")
    ok = Confirmed((9,))
    script: Script = [[Unreachable("reset")], [ok, Unreachable("reset")], [ok]]
    assert await steps(wire, monkeypatch, 2, *script, position=(9,)) == [ok, ok]
    assert [endpoint for endpoint, _, _ in wire.watches] == ["a:1", "b:1", "a:1"]


async def test_it_goes_on_behind_the_last_step_that_it_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Played("a:1", "b:1", revision=12)
    script: Script = [[Confirmed((12,)), Unreachable("reset")], [Confirmed((12,))]]
    await steps(wire, monkeypatch, 2, *script, position=(9,))
    assert [position for _, position, _ in wire.watches] == [(9,), (12,)]


async def test_silences_that_are_over_leave_the_next_endpoint_in_no_less_a_hurry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Played("a:1", "b:1", "c:1")
    ok, quiet = Confirmed((9,)), Silent("no answer")
    await steps(wire, monkeypatch, 3, [quiet], [quiet], [ok, quiet], [ok, quiet], [ok], position=(9,))
    assert [limit for _, _, limit in wire.watches] == [HURRY] * 5


async def test_a_denial_is_asked_about_once_more_with_a_new_token(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Played()
    wire.refusals = [Denied("permission denied", where="a:1") for _ in range(5)]
    with pytest.raises(Denied, match="permission denied"):
        await steps(wire, monkeypatch, 1, position=(9,))
    assert (wire.tokens, len(wire.refusals)) == (1, 3)


async def test_an_election_is_waited_for_and_a_lost_quorum_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Played("a:1", "b:1")
    none = [NoLeader("the cluster has no leader", where=at) for at in ("a:1", "b:1")]
    wire.refusals = none * 3
    assert await steps(wire, monkeypatch, 1, [Confirmed((9,))], position=(9,)) == [Confirmed((9,))]
    monkeypatch.setattr(etcd_watch, "ELECTION", -1.0)
    wire.refusals = none * 3
    with pytest.raises(NoLeader):
        await steps(wire, monkeypatch, 1, position=(9,))
