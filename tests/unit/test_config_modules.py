"""A configuration that names a module outside midwatch: what must be right before that is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backends.config.configuration import ConfigError, Document
from backends.config.reader import read


@pytest.mark.parametrize("value", ["3", '"yes"', "[]"])
def test_what_is_no_table_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outside_unread").mkdir()
    (tmp_path / "outside_unread" / "consul.py").write_text("")
    text = f'[context.lab]\n"outside_unread.consul" = {value}\n'
    with pytest.raises(ConfigError, match="wrong type, expected tables"):
        read(Document(tmp_path / "c.toml", text.encode(), False))
    assert "outside_unread.consul" not in sys.modules
