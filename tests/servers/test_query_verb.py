"""`midwatch query` and answers that no Prometheus gives twice in the same way: what is missing is unknown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.outside.program import Ran, run
from tests.servers.fake_http import Say, answer, fake, in_turn

pytestmark = pytest.mark.server


def vector(*series: str) -> str:
    return f'{{"status":"success","data":{{"resultType":"vector","result":[{",".join(series)}]}}}}'


async def ask(folder: Path, say: Say, *words: str) -> Ran:
    config = folder / "config.toml"
    async with fake(say) as address:
        config.write_text(
            f'[context.lab]\nlocal = false\n[context.lab.prometheus.main]\nurl = "http://{address}"\n'
        )
        return await asyncio.to_thread(run, "query", *words, "--config", str(config))


NULL = '{"metric":{"a":"1"},"value":[1700000000,null]}'
FAR = '{"metric":{"a":"2"},"value":[1e300,"5"]}'


@pytest.mark.parametrize("series", [NULL, FAR])
async def test_a_value_or_a_time_that_is_none_is_unknown(series: str, tmp_path: Path) -> None:
    ran = await ask(tmp_path, answer(vector(series)), "up + 0", "-o", "jsonl")
    assert (ran.status, ran.err) == (0, "")
    (item,) = ran.items
    assert item["time"] is None
    assert item["value"] == (None if series is NULL else 5)
    table = await ask(tmp_path, answer(vector(series)), "up + 0")
    assert (table.status, table.err) == (0, "")
    assert len(table.out.splitlines()) == 2


async def test_a_range_without_a_value(tmp_path: Path) -> None:
    empty = '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,null]]}]}}'
    assert (await ask(tmp_path, answer(empty), "up", "--range", "1m", "-o", "jsonl")).items == [
        {"labels": {}, "values": []}
    ]
    table = await ask(tmp_path, answer(empty), "up", "--range", "1m")
    assert (table.status, table.err) == (0, "")
    assert table.out.splitlines()[1].split() == ["–", "–", "–", "0", "–"]


REFUSED = json.dumps({"status": "error", "errorType": "execution", "error": "no timestamps here"})


@pytest.mark.parametrize(
    "then",
    [
        answer(REFUSED, status="422 Unprocessable Entity"),
        answer("<html>", kind="text/html"),
        answer(vector('{"metric":{"a":"1"},"value":[1,"NaN"]}')),
        in_turn(),
    ],
    ids=["refused", "html", "no number", "silent"],
)
async def test_what_was_found_is_told_without_its_times(then: Say, tmp_path: Path) -> None:
    """Nobody knows then how old the value is: the time of the question would say that it is new."""
    found = answer(vector('{"metric":{"__name__":"up","a":"1"},"value":[1700000000,"7"]}'))
    ran = await ask(tmp_path, in_turn(found, then), "up", "-o", "jsonl", "--timeout", "1")
    assert (ran.status, ran.err) == (0, "")
    assert ran.items == [{"labels": {"__name__": "up", "a": "1"}, "value": 7, "time": None}]
    table = await ask(tmp_path, in_turn(found, then), "up", "--timeout", "1")
    assert table.out.splitlines()[0].split() == ["VALUE", "AGE", "NAME", "A"]
    assert table.out.splitlines()[1].split() == ["7", "–", "up", "1"]
