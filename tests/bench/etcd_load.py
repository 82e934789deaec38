"""`python -m tests.bench.etcd_load MEMBERS RATE SECONDS VISIBLE ENDPOINT...`: members of a group that change.

Says `ready` when all are there, and begins with a line on its input. At the end it prints, as JSON, when each
value was put that must be seen: those of the first VISIBLE members, ten a second.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

from backends.coordination.etcd import EtcdSettings
from backends.coordination.etcd_wire import Wire

PREFIX = "/services/web/"
SEEN = 10
"""Changes a second among the members that can be seen."""
AT_ONCE = 200


def name(number: int) -> str:
    return f"i{number:05}"


async def load(members: int, rate: int, seconds: float, visible: int, endpoints: tuple[str, ...]) -> None:
    wire = Wire(EtcdSettings(endpoints=endpoints).access(), 5.0)
    await wire.ready()

    async def put(number: int, address: str) -> None:
        key, value = f"{PREFIX}{name(number)}".encode(), address.encode()
        await wire.any("KV", "Put", wire.pb.PutRequest(key=key, value=value))

    for first in range(0, members, AT_ONCE):
        last = min(members, first + AT_ONCE)
        await asyncio.gather(*(put(n, f"10.0.{n >> 8}.{n & 255}:80") for n in range(first, last)))
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    chance = random.Random(7)
    puts: dict[str, float] = {}
    running: set[asyncio.Task[None]] = set()
    began = time.monotonic()
    for turn in range(int(rate * seconds)):
        await asyncio.sleep(began + turn / rate - time.monotonic())
        if turn % (rate // SEEN):
            number, address = chance.randrange(visible, members), f"10.1.{turn >> 8 & 255}.{turn & 255}:80"
        else:
            number, address = len(puts) % visible, f"10.9.{turn >> 8 & 255}.{turn & 255}:{10_000 + len(puts)}"
            puts[address] = time.monotonic()
        task = asyncio.ensure_future(put(number, address))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    say(json.dumps(puts))
    await wire.close()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    words = sys.argv[1:]
    asyncio.run(load(int(words[0]), int(words[1]), float(words[2]), int(words[3]), tuple(words[4:])))
