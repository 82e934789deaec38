"""The first frame says what the checked configuration says a moment later, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.config.configuration import ConfigError, choose_context
from backends.config.file import load_config
from tui.first_frame import first_frame, glance

ETCD = '[context.{0}.etcd.main]\nendpoints = ["127.0.0.1:2379"]\n'
TEXTS = {
    "empty": "",
    "one": ETCD.format("lab"),
    "two, none meant": ETCD.format("lab") + ETCD.format("prod-eu"),
    "two, by default": 'default = "prod-eu"\n' + ETCD.format("lab") + ETCD.format("prod-eu"),
    "no such default": 'default = "prod"\n' + ETCD.format("lab"),
    "read-only": "[context.lab]\nread_only = true\nlocal = false\n" + ETCD.format("lab"),
    "armed": '[context.lab]\narm = "always"\ncolour = "blue"\n' + ETCD.format("lab"),
    "named like escapes": ETCD.format('"a\\u001b[2Jb"'),
    "no TOML": "[context.lab",
    "no tables": 'context = "lab"\n',
    "no table": '[context]\nlab = "etcd"\n',
    "pages": '[[context.lab.page]]\ntitle = "all"\n' + ETCD.format("lab"),
}


@pytest.mark.parametrize("given", [None, "lab", "default"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("read_only", [False, True], ids=["", "--read-only"])
def test_it_is_what_the_checked_configuration_says(
    tmp_path: Path, text: str, given: str | None, read_only: bool
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    seen = glance(str(path), given, {}, read_only=read_only)
    try:
        context = choose_context(load_config(str(path), {}, read_only=read_only), given, {})
    except ConfigError:
        assert seen is None
        return
    assert seen is not None
    if context is None:
        assert (seen.name, seen.mode) == ("default", "read-only" if read_only else "guarded")
        assert not seen.sources
    else:
        said = (context.name, context.mode, context.paint, tuple(source.source for source in context.sources))
        assert seen == said


def test_a_file_that_is_not_there_is_a_mistake_only_where_it_was_named(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert glance(None, None, env, read_only=False) is not None
    assert glance(None, "lab", env, read_only=False) is None
    assert glance(str(tmp_path / "x.toml"), None, env, read_only=False) is None
    os.mkfifo(tmp_path / "fifo")
    assert glance(str(tmp_path / "fifo"), None, env, read_only=False) is None


def test_names_send_no_escapes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TEXTS["named like escapes"])
    frame = first_frame(glance(str(path), None, {}, read_only=False), os.terminal_size((80, 24)))
    assert "b  guarded" in frame[0]
    assert "\x1b[2J" not in "".join(frame)


def test_it_needs_no_slow_import() -> None:
    slow = "{'textual', 'rich', 'msgspec', 'asyncio', 'logging', 'inspect', 'pathlib'} & sys.modules.keys()"
    code = f"import sys, tui.cli, tui.start; print(*{slow})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "\n"
