"""Which class serves a kind, above all of modules outside midwatch."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.api import registry
from backends.api.errors import Misconfigured, Unsupported

MODULE = """
from backends.api.backend import Backend

class Ours(Backend):
    kind = {kind!r}
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "outside_kinds"
    folder.mkdir()
    return folder


def test_an_outside_module_serves_its_dotted_kind(outside: Path) -> None:
    (outside / "right.py").write_text(MODULE.format(kind="outside_kinds.right"))
    assert registry.load("outside_kinds.right").kind == "outside_kinds.right"


def test_one_that_calls_itself_something_else_is_refused(outside: Path) -> None:
    """Its rows would name a source that nobody finds."""
    (outside / "wrong.py").write_text(MODULE.format(kind="wrong"))
    with pytest.raises(Misconfigured, match="its kind is 'wrong'") as caught:
        registry.load("outside_kinds.wrong")
    assert caught.value.hint == 'kind = "outside_kinds.wrong" in Ours'


def test_what_nobody_serves_says_why() -> None:
    with pytest.raises(Unsupported, match="not in this version"):
        registry.load("serf")
    with pytest.raises(Misconfigured, match="no such kind"):
        registry.load("etcdd")
    with pytest.raises(Misconfigured, match=r"can't import no_such\.module"):
        registry.load("no_such.module")
