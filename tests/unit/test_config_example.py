"""The file that `config init` writes: each kind of source is in it, and all of it may be put to use."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from backends.api.registry import MODULES, load
from backends.config.configuration import Document
from backends.config.reader import read
from tui.verbs.configuration import example


def in_use(text: str) -> str:
    """With every line of it that is TOML behind its `#` taken in use."""
    return "\n".join(
        line[2:] if line.startswith("# ") and is_toml(line[2:]) else line for line in text.split("\n")
    )


def is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


@pytest.mark.parametrize("kind", [kind for kind in MODULES if kind != "local"])
def test_every_kind_of_source_has_an_example(kind: str) -> None:
    assert f"[context.lab.{kind}." in load(kind).example, (
        f"{kind}: `example` of its class is its table in the file"
    )


def test_all_of_it_may_be_put_to_use(tmp_path: Path) -> None:
    config = read(Document(tmp_path / "c.toml", in_use(example()).encode(), False))
    assert {source.kind for source in config.contexts["lab"].sources} == set(MODULES)
