"""TOML to contexts, strictly: every key is known, every value of its type, every kind of backend here."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from msgspec import Meta, Struct

from backends.api.backend import Backend
from backends.api.errors import BackendError, Misconfigured, Unsupported
from backends.api.registry import MODULES, known, load
from backends.api.settings import Settings
from backends.config.configuration import Config, ConfigError, Document
from backends.config.context import Context, SourceConfig, this_host
from backends.config.context_settings import ContextSettings
from backends.config.context_words import COLOURS
from backends.config.settings_files import command_in, rooted
from backends.config.typed import Wrong, keys_of, typed
from backends.masking import mask_url
from backends.nearest import one_of

if TYPE_CHECKING:
    from backends.config.lines import Path

CONTEXT_KEYS = keys_of(ContextSettings)
T = TypeVar("T")


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    default: Annotated[str, Meta(description="a context's name")] | None = None
    context: Annotated[dict[str, Any], Meta(description="tables [context.NAME]")] = {}


def read(document: Document, *, read_only: bool = False) -> Config:
    """Check a whole file. Raises `ConfigError` for its first mistake."""
    return _Reader(document, read_only).config()


class _Reader:
    def __init__(self, document: Document, read_only: bool) -> None:
        self._path, self._foreign, self._read_only = document.path, document.foreign, read_only
        try:
            self._text = document.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._broken(document.data[: error.start].count(b"\n") + 1, "not UTF-8, expected TOML, which must be")
        try:
            self._raw = tomllib.loads(self._text)
        except RecursionError:
            self._broken(1, "not TOML: nested too deep")
        except ValueError as error:  # TOMLDecodeError, and what Python's numbers refuse
            self._not_toml(str(error))

    def config(self) -> Config:
        file = self._typed((), self._raw, _File)
        contexts = {name: self._context(name, table) for name, table in file.context.items()}
        if file.default is not None and file.default not in contexts:
            self._fail(("default",), f"no context {file.default!r}{one_of(file.default, contexts)}")
        return Config(self._path, contexts, file.default or None, self._text)

    def _context(self, name: str, table: Any) -> Context:
        at = ("context", name)
        table = self._typed(at, table, dict[str, Any], f"a table [context.{name}]")
        if not name:
            self._fail(at, "a context without a name, expected [context.NAME]")
        sources = [
            source
            for key in table
            if key not in CONTEXT_KEYS
            for source in self._sources((*at, key), key, table[key])
        ]
        own = self._typed(
            at, {key: value for key, value in table.items() if key in CONTEXT_KEYS}, ContextSettings
        )
        return Context(
            name=name,
            sources=(*sources, this_host()) if own.local else tuple(sources),
            colour=self._colour((*at, "colour"), own.colour),
            read_only=self._read_only or own.read_only,
            arm=own.arm,
            confirm=own.confirm,
            pages=own.page,
        )

    def _sources(self, at: Path, kind: str, tables: Any) -> list[SourceConfig]:
        # Before it is imported. What is no kind at all may have been meant as a key, of any type.
        if known(kind):
            tables = self._typed(at, tables, dict[str, Any], f"tables [context.{at[1]}.{kind}.NAME]")
        if self._foreign and known(kind) and kind not in MODULES:
            self._refuse(at, "may not name a module")
        backend = self._backend(at, kind)
        found = []
        for name, table in tables.items():
            here = (*at, name)
            table = self._typed(here, table, dict[str, Any], f"a table [context.{at[1]}.{kind}.{name}]")
            settings = self._settings(here, table, backend.Settings)
            try:
                backend(name, settings)  # which touches nothing, and refuses what no type can tell
            except Misconfigured as error:
                self._fail(_place(here, table, error.where), mask_url(f"{error.where!r}: {error.reason}"))
            found.append(SourceConfig(kind, name, settings))
        return found

    def _backend(self, at: Path, kind: str) -> type[Backend]:
        kinds = tuple(kind for kind in MODULES if kind != "local")
        try:
            return load(kind)
        except Unsupported as error:
            self._fail(at, f"{error.reason}{one_of('', kinds)}")
        except BackendError as error:
            # What is no kind of backend may have been meant as a key.
            words = "" if known(kind) else f", or no such key{one_of(kind, (*kinds, *CONTEXT_KEYS))}"
            self._fail(at, f"{error.reason}{words}")
        except Exception as error:
            self._fail(at, f"importing it raised {type(error).__name__}: {error}")

    def _settings(self, at: Path, table: dict[str, Any], model: type[Settings]) -> Settings:
        settings = self._typed(at, rooted(table, self._path.parent.absolute(), model), model)
        place = command_in(settings)
        if self._foreign and place is not None:
            self._refuse((*at, *place), "may not hold commands")
        return settings

    def _colour(self, at: Path, colour: str) -> str:
        if colour and colour not in COLOURS and not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            self._fail(at, f"unknown colour {colour!r}{one_of(colour, (*COLOURS, '#rrggbb'))}")
        return colour

    def _typed(self, at: Path, value: Any, model: type[T], expected: str = "") -> T:
        try:
            return typed(value, model, expected)
        except Wrong as wrong:
            words = one_of(wrong.word, wrong.known) if wrong.known else ""
            self._fail((*at, *wrong.path), f"{wrong.text}{words}")

    def _refuse(self, at: Path, what: str) -> NoReturn:
        hint = f"chmod go-w {self._path}, and its owner must be you"
        self._fail(at, f"others can write this file, so it {what}; {hint}")

    def _not_toml(self, told: str) -> NoReturn:
        found = re.search(r" ?\(at line (\d+)", told)
        end = len(self._text.rstrip().split("\n"))
        line = int(found.group(1)) if found else end
        what = told[: found.start()] if found else re.sub(r" ?\(at end of document\)$", "", told)
        twice = re.match(r"Cannot (?:declare|mutate immutable namespace) \((.*)\)", what)
        if twice:
            key = tuple(re.findall(r"'([^']*)'", twice.group(1)))
            self._broken(line, "declared twice, expected each name once", _dotted(key))
        key_there = re.match(r"\s*([\w.-]+)\s*=", self._text.split("\n")[line - 1])
        if what == "Cannot overwrite a value":
            what = "given twice, expected each key once"
        elif what == "Invalid value":
            what = 'not TOML: no value, expected a "string", a number, true, false, a [list] or a { table }'
        else:
            what = f"not TOML: {what}"
        self._broken(line, what, key_there.group(1) if key_there else "")

    def _broken(self, line: int, wrong: str, key: str = "") -> NoReturn:
        raise ConfigError(f"{self._path}:{line}", key, wrong) from None

    def _fail(self, at: Path, wrong: str) -> NoReturn:
        from backends.config.lines import key_lines, line_of  # Most files hold no mistake.

        self._broken(line_of(key_lines(self._text), at), wrong, _dotted(at))


def _dotted(path: Path) -> str:
    """A key as TOML writes it."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in path)


def _place(at: Path, value: Any, wanted: str) -> Path:
    """Where in a table a value or a key stands; the table itself where it is not found."""
    if value == wanted:
        return at
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        here = (*at, str(key))
        if (found := _place(here, item, wanted)) != here or wanted in (key, item):
            return found
    return at
