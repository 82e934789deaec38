"""One table of keys and words: a sentence that names a key takes it from there, and a word is one of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.commands import COMMANDS, key_glyph, key_of

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for top in ("widgets", "tui")
    for path in sorted((ROOT / top).rglob("*.py"))
    # What headless verbs and the demo's programs say is read where no key does anything.
    if not {"demo", "verbs"} & set(path.parts)
]
OWN = {
    "tui/commands.py": "the table",
    "tui/arguments.py": "the command line's help",
    "widgets/dialog.py": "a dialog's own keys, which are none of the table's",
}
FILLED_IN = "\0"
"""What stands in an f-string for what is not known before it is shown."""

NAMED = re.compile(r"(?<![\w'])(?:⏎|(?:esc|pgup|pgdn|ctrl\+[a-z]|f\d{1,2}|enter)(?![\w'+]))", re.I)
LETTER = re.compile(r"(?<![\w'’.:/\0-])(?<!\0 )(?<!\d )([B-HJ-Zb-rt-z])(?![\w'’./(\0-])")
"""A letter by itself; not the article, not what may be a unit after a number, not the end of a plural."""
SIGN = re.compile(r"(?<![\w\0][^\w\s])(?:^|(?<=\s))([0-9?/&<>\\|{}\[\]_+=:-]) [a-z]+s\b(?<!minutes)(?<!seconds)")
"""A sign or a digit that does something."""
WORD = re.compile(r"[A-Za-z]{2,}")
PATTERN = re.compile(r"\\[dswSDWb]|\(\?|\[\^")


def key_in(text: str) -> str:
    """The first key that a sentence names; "" where it names none, or is no sentence."""
    if not WORD.search(NAMED.sub("", text)) or PATTERN.search(text) or " " not in text:
        return ""
    found = NAMED.search(text) or LETTER.search(text) or SIGN.search(text)
    return "" if found is None else found[0]


def sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each text of a file with its line, what is filled into it left out; docstrings and styles are for other
    readers."""
    read = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Assign | ast.AnnAssign) and _is_style(node))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            read |= {id(part) for part in node.values}
            parts = (part.value if isinstance(part, ast.Constant) else FILLED_IN for part in node.values)
            yield node.lineno, "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in read:
            yield node.lineno, node.value


def _is_style(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id.endswith("CSS") for target in targets)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("no line passes; esc lifts that", "esc"),
        ("\0 is over: nothing can be done to it; D deploys", "D"),
        ("the first line; 0 lifts the window", "0 lifts"),
        ("not the newest, G: end", "G"),
        ("LIVE, not following: F", "F"),
        (" and \0 more: d", "d"),
        ("armed; q again within \0 s quits", "q"),
        ("\0 did not answer within \0 s; y asks again", "y"),
        ("no command :\0; ? lists them", "? lists"),
        ("no search yet: / starts one", "/ starts"),
        ("nothing runs; ctrl+c again quits", "ctrl+c"),
        ("none of the lines passes; pgdn reads on", "pgdn"),
        ("\0 characters more: ⏎", "⏎"),
        ("this is about no row; enter leads on", "enter"),
        ("n looks on", "n"),
    ],
)
def test_a_key_in_a_sentence_is_found(text: str, key: str) -> None:
    assert key_in(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "no answer within \0 s",
        "last 3 d of logs",
        "a filter is a regular expression",
        "A search is a regular expression",
        "no such page; :metrics shows all",
        "\0 again within \0 s quits",
        "ctrl+c",
        "memory \0 G of 16 G",
        ":w FILE saves what is shown",
        "it doesn't enterprise",
        "\0: nothing to repeat",
        "only \0 / \0 minutes",
        r"(\d+) s later",
    ],
)
def test_what_only_looks_like_one_is_let_through(text: str) -> None:
    assert key_in(text) == ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_names_a_key_but_by_the_table(path: Path) -> None:
    if str(path.relative_to(ROOT)) in OWN:
        return
    found = [
        f"{path.relative_to(ROOT)}:{number}: {key_in(text)!r} in {text!r}: by key_of()"
        for number, text in sentences(ast.parse(path.read_text()))
        if key_in(text)
    ]
    assert not found, "\n".join(found)


TYPED = re.compile(r"(?:^|(?<=[\s(`\0])):([a-z]+)\b")


def test_a_word_that_a_sentence_tells_to_type_is_one_of_the_table() -> None:
    known = {word for command in COMMANDS for word in (command.word, *command.aliases) if word}
    told = [
        (word, f"{path.relative_to(ROOT)}:{number}")
        for path in SOURCES
        for number, text in sentences(ast.parse(path.read_text()))
        for word in TYPED.findall(text)
    ]
    assert len(told) > 10
    assert [where for word, where in told if word not in known] == []


def asked(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What is asked of `key_of` in so many words, here or in a widget that was given it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("key_of"):
            continue
        if node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value), node.lineno


def test_whatever_a_sentence_asks_the_table_for_has_a_key() -> None:
    every = [(path, *found) for path in SOURCES for found in asked(ast.parse(path.read_text()))]
    assert len(every) > 10
    for path, do, number in every:
        assert key_of(do), f"{path.relative_to(ROOT)}:{number}"


def test_a_key_is_told_as_people_write_it_and_by_its_screen() -> None:
    assert key_of("step_back") == key_glyph("escape") == "esc"
    assert key_of("ask_query") == "e"
    assert (key_of("open_row", "table"), key_of("move 1")) == ("⏎", "j")
    with pytest.raises(KeyError):
        key_of("open_row", "logs")
    with pytest.raises(KeyError):
        key_of("no such thing")
