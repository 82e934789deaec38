"""A log as it comes from a web service, as long as wanted, with a word every twenty megabytes."""

from __future__ import annotations

import random
from pathlib import Path

WORD, REGEX = "deadlock", "deadlock on (orders|carts) after [0-9]+ ms"
LINES = 200_000
"""Lines between two that hold the word."""
PATHS = ("/api/cart", "/api/checkout", "/api/search", "/healthz", "/static/app.js")


def big_log(path: Path, size: int) -> int:
    """Write it; returns how many lines hold the word."""
    chance = random.Random(7)
    lines = []
    for number in range(LINES):
        stamp = f"2026-11-25T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z"
        level = chance.choices(("INFO", "WARN", "ERROR"), (93, 5, 2))[0]
        request = f"request id={chance.getrandbits(48):012x} path={chance.choice(PATHS)}"
        lines.append(f"{stamp} {level} web-{number % 7} {request} took {chance.randrange(2000)} ms\n")
    part = "".join(lines).encode()
    words = 0
    with path.open("wb") as file:
        file.write(b"2026-11-25T00:00:00.000Z INFO web-1 the first line of all\n")
        while file.tell() < size:
            file.write(part)
            file.write(f"2026-11-25T23:59:59.999Z ERROR web-1 {WORD} on orders after {words} ms\n".encode())
            words += 1
        file.write(b"2026-11-25T23:59:59.999Z INFO web-1 the last line of all\n")
    return words
