"""What owner and keeper say to each other over two pipes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

FOLDER_IS, REFUSED, UP = "FOLDER ", "REFUSED ", "READY"
"""How the keeper's lines begin that the owner acts on; all others are for people."""
DETACH = b"detach\n"
"""The owner goes, and the demo stays."""


@dataclass(frozen=True, slots=True)
class Request:
    """The owner's first line. `only` names the servers that are wanted (empty: all of them); `missing` are
    programs that it could not fetch, with the reason."""

    folder: str | None = None
    quiet: bool = False
    only: Sequence[str] = ()
    missing: dict[str, str] = field(default_factory=dict)

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Request:
        return cls(**json.loads(line))
