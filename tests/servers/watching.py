"""`midwatch watch` as a process of its own, with the moment at which each of its lines came."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.outside.program import PROGRAM


class Watching:
    """Follows a prefix of the one source of a configuration that is written for it."""

    def __init__(self, folder: Path, config: str, source: str, prefix: str) -> None:
        path = folder / "watching.toml"
        path.write_text(config)
        self._argv = [PROGRAM, "watch", source, prefix, "-o", "jsonl", "--config", str(path)]
        self.items: list[tuple[float, dict[str, Any]]] = []
        self.said: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        self._threads = [threading.Thread(target=job) for job in (self._read, self._hear)]
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + 20
        while not any("watching" in line for line in self.said):
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            for thread in self._threads:
                thread.join()

    @property
    def puts(self) -> list[tuple[float, dict[str, Any]]]:
        return [(at, item) for at, item in tuple(self.items) if item["kind"] == "put"]

    def await_value(self, value: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not any(item["value"] == value for _, item in self.puts[-50:]):
            assert time.monotonic() < deadline, f"{value} not within {seconds:g} s: {self.said}"
            time.sleep(0.02)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.items.append((time.monotonic(), json.loads(line)))
        self._process.stdout.close()

    def _hear(self) -> None:
        assert self._process.stderr is not None
        self.said.extend(self._process.stderr)
        self._process.stderr.close()
