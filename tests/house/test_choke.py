"""One choke point: what goes to a terminal, into a file to read or into our log passes `backends.clean`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for top in ("backends", "widgets", "tui")
    for path in sorted((ROOT / top).rglob("*.py"))
    # What the demo's programs say is their own words, and its servers write logs to be read by us.
    if "demo" not in path.parts
]
DRAWN = [path for path in SOURCES if path.parts[-2] != "verbs" and "backends" not in path.parts]

PRINTS = {
    "tui/verbs/printing.py": "cleans",
    "tui/verbs/document.py": "JSON, by to_json",
    "tui/cli.py": "cleans",
    "tui/start.py": "cleans",
    "tui/verbs/changing.py": "cleans",
    "tui/terminal.py": "the first frame, which `tui/first_frame.py` has cleaned, and sequences of our own",
}
"""Who writes to a terminal, and why that is well. Another one prints by `say` and `complain`."""
PIPES = {
    ("backends/deploys/runner.py", 1): "a line to the process that has started it",
    ("backends/processes/supervisord_start_again.py", 1): "a line to the process that has started it",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Each call, and what is called."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def test_only_a_few_places_write_to_the_terminal_and_they_clean() -> None:
    streams = {f"sys.{dunder}{name}{dunder}" for name in ("stdout", "stderr") for dunder in ("", "__")}
    for path in SOURCES:
        name = name_of(path)
        for node, called in calls(path):
            where = f"{name}:{node.lineno}"
            assert called not in ("print", "sys.stdout.buffer.write", "sys.stderr.buffer.write"), where
            if called == "os.write" and isinstance(node.args[0], ast.Constant):
                assert (name, node.args[0].value) in PIPES, where
            if called.removesuffix(".write") in streams and called.endswith(".write"):
                assert name in PRINTS, f"{where}: by say() or complain()"
                if PRINTS[name] == "cleans":
                    assert "clean(" in ast.unparse(node), where


IMPORTED = {
    "rich.cells": "widths",
    "rich.style": "looks",
    "rich.segment": "for safe.py, and for the one that bounds its cache and makes none",
    "textual._compositor": "for widgets/private alone: which cells are sent",
    "textual._xterm_parser": "for widgets/private alone: keys from before it",
    "textual.constants": "no text in them",
    **dict.fromkeys(("textual.app", "textual.containers", "textual.drivers.linux_driver"), "the app"),
    **dict.fromkeys(
        (
            "textual",
            "textual.css.scalar",
            "textual.geometry",
            "textual.message",
            "textual.messages",
            "textual.screen",
            "textual.reactive",
        ),
        "no text in them",
    ),
    **dict.fromkeys(("textual.strip", "textual.widget"), "lines of segments, which safe.py makes"),
}
"""All that is taken from them: nothing that reads markup, makes links, or gives text to the terminal itself."""


def test_nothing_draws_text_but_by_safe() -> None:
    for path in DRAWN:
        name = name_of(path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            foreign = [found for found in names if found.partition(".")[0] in ("rich", "textual")]
            assert set(foreign) <= set(IMPORTED), f"{name}: {foreign}"
            if "rich.segment" in foreign:
                assert name in ("widgets/safe.py", "widgets/private/caches.py"), name
            if any(found.startswith("textual._") for found in foreign):
                assert name.startswith("widgets/private/"), name
            if isinstance(node, ast.FunctionDef):
                # A string that `render` returns is read as markup.
                assert node.name not in ("render", "render_lines", "get_content"), f"{name}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                titles = ("border_title", "border_subtitle", "tooltip", "sub_title")
                assert node.attr not in titles, f"{name}:{node.lineno}"


def test_no_segment_is_made_but_in_safe() -> None:
    for path in DRAWN:
        for node, called in calls(path):
            last = called.rpartition(".")[2]
            assert last != "Segment" or path.name == "safe.py", f"{name_of(path)}:{node.lineno}"
            # Rich and Textual write links and actions of a style to the terminal.
            assert not {"link", "meta"} & {word.arg for word in node.keywords}, f"{name_of(path)}:{node.lineno}"
            assert called != "Strip" or path.name == "safe.py", f"{name_of(path)}:{node.lineno}"
            assert last not in ("notify", "from_markup", "set_window_title"), f"{name_of(path)}:{node.lineno}"


@pytest.mark.parametrize("function", ["write_raw", "clipboard.save", "clipboard.osc52"])
def test_what_is_copied_or_saved_is_cleaned_in_one_place(function: str) -> None:
    users = {
        name_of(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) == function
    }
    assert users == {"tui/saving.py"}
    assert "clean_lines" in (ROOT / "tui/saving.py").read_text()


def test_our_own_log_has_one_file_and_its_records_are_cleaned() -> None:
    handlers = ("FileHandler", "StreamHandler", "basicConfig", "RotatingFileHandler", "_File")
    makers = {
        name_of(path) for path in SOURCES for _, called in calls(path) if called.rpartition(".")[2] in handlers
    }
    assert makers == {"tui/own_log_file.py"}
    assert "clean_lines" in (ROOT / "tui/own_log_file.py").read_text()
