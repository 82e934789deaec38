"""Backends that tests script, known by kinds of their own."""

from __future__ import annotations

import pytest

from backends.api import registry


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("fake", "metered"):
        monkeypatch.setitem(registry.MODULES, kind, f"tests.flows.{kind}")
