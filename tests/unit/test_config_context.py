"""The keys of a context itself: what is wrong with one is said as it is of a backend's."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.config.configuration import Config, ConfigError, Document
from backends.config.reader import read

PANEL = "[[context.a.page]]\n[[context.a.page.panel]]\n"


def config(text: str) -> Config:
    return read(Document(Path("c.toml"), text.encode(), False))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = 3", "c.toml:1: default: wrong type, expected a context's name, got a whole number"),
        (
            "[context.a]\ncolour = 2026-01-01",
            "c.toml:2: context.a.colour: wrong type, expected a colour, got a date",
        ),
        (
            '[context.a]\narm = "alwys"',
            "c.toml:2: context.a.arm: wrong value 'alwys', expected one of ask, always; nearest is always",
        ),
        (
            "[context.a]\nconfirm = true",
            "c.toml:2: context.a.confirm: wrong type, got true or false, expected one of button, type",
        ),
        (
            '[[context.a.page]]\ntitel = "x"',
            "c.toml:2: context.a.page.0.titel: unknown key, expected one of title, source, panel; "
            "nearest is title",
        ),
        (
            f'{PANEL}query = "x"\ntreshold = 1',
            "c.toml:4: context.a.page.0.panel.0.treshold: unknown key, expected one of "
            "title, query, unit, threshold, min, max; nearest is threshold",
        ),
        (
            f'{PANEL}title = "x"',
            "c.toml:2: context.a.page.0.panel.0.query: missing, expected the expression that this chart shows",
        ),
        (
            f'{PANEL}query = "x"\nmin = "3"',
            "c.toml:4: context.a.page.0.panel.0.min: wrong type, expected a number, got a string",
        ),
        (
            '[context.a.page]\ntitle = "x"',
            "c.toml:1: context.a.page: wrong type, expected [[context.NAME.page]], got a table",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        config(text)
    assert str(wrong.value) == said


def test_numbers_stay_as_they_were_written() -> None:
    (page,) = config(f'{PANEL}query = "x"\nthreshold = 3\nmax = 0.5').contexts["a"].pages
    (panel,) = page.panel
    assert (repr(panel.threshold), panel.min, panel.max) == ("3", None, 0.5)
