"""The configuration file: TOML to contexts, strictly, each mistake named by file, line and key."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from backends.api.errors import BackendError, Misconfigured
from backends.api.registry import LATER, MODULES, load
from backends.api.settings import Settings
from backends.config_lines import key_lines, line_of
from backends.context import Context, SourceConfig

COLOURS = ("red", "green", "yellow", "blue", "magenta", "cyan", "white")
CONTEXT_KEYS = ("colour", "read_only", "arm", "confirm", "local", "deploy", "page")
PANEL_KEYS = ("title", "query", "unit")
DEPLOY_KINDS = ("command", "webhook", "rolling", "bluegreen")


class ConfigError(Exception):
    """A mistake in the configuration: one line, `FILE:LINE: key: what is wrong, what was expected, nearest`."""

    def __init__(self, where: str, key: str, wrong: str) -> None:
        super().__init__(f"{where}: {key}: {wrong}" if key else f"{where}: {wrong}")


class Config(Struct, frozen=True):
    """All contexts of a file, checked. `path` is None where there is no file."""

    path: Path | None
    contexts: Mapping[str, Context] = field(default_factory=dict)
    default: str | None = None


def config_path(given: str | None, env: Mapping[str, str]) -> tuple[Path, bool]:
    """Which file is the configuration, and whether somebody named it on purpose (then it must be there)."""
    if given or env.get("MIDWATCH_CONFIG"):
        return Path(given or env["MIDWATCH_CONFIG"]).expanduser(), True
    base = env.get("XDG_CONFIG_HOME") or os.path.join(env.get("HOME", "/"), ".config")
    return Path(base) / "midwatch" / "config.toml", False


def load_config(given: str | None, env: Mapping[str, str], *, read_only: bool = False) -> Config:
    """Read and check the configuration. Raises `ConfigError`."""
    path, deliberate = config_path(given, env)
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except FileNotFoundError:
        if deliberate:
            raise ConfigError(str(path), "", "no such file; `midwatch config init` writes one") from None
        return Config(None)
    except OSError as error:
        raise ConfigError(str(path), "", f"not readable: {error.strerror}") from None
    read_only = read_only or env.get("MIDWATCH_READ_ONLY", "") not in ("", "0")
    return _Reader(path, data, writable=bool(stat.S_IMODE(mode) & 0o022), read_only=read_only).config()


def choose_context(config: Config, given: str | None, env: Mapping[str, str]) -> Context | None:
    """The context to open: named, else `$MIDWATCH_CONTEXT`, the file's default, the only one. None where there
    is no configuration. Raises `ConfigError` where the choice is not clear."""
    names = list(config.contexts)
    wanted = given or env.get("MIDWATCH_CONTEXT") or config.default
    if wanted is None and len(names) == 1:
        wanted = names[0]
    if wanted is None:
        if not names:
            return None
        raise ConfigError(str(config.path), "default", f"not set, expected one of {', '.join(names)}")
    if wanted in config.contexts:
        return config.contexts[wanted]
    if not names and not given and not env.get("MIDWATCH_CONTEXT"):
        return None
    where = str(config.path) if config.path else "midwatch"
    raise ConfigError(where, "context", f"no context {wanted!r}{nearest(wanted, names)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message: what was expected, and the nearest valid word first where one is near."""
    words = list(known)
    close = get_close_matches(word, words, 1, 0.5)
    expected = f", expected one of {', '.join(words)}" if words else ", there is none"
    return f"{expected}; nearest is {close[0]}" if close else expected


class _Reader:
    def __init__(self, path: Path, data: bytes, *, writable: bool, read_only: bool) -> None:
        self._path, self._writable, self._read_only = path, writable, read_only
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise ConfigError(f"{path}:{line}", "", "not UTF-8, which TOML must be") from None
        try:
            self._raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+)", str(error))
            line = int(found.group(1)) if found else text.count("\n") + 1
            what = re.sub(r" \(at .*\)$", "", str(error))
            raise ConfigError(f"{path}:{line}", "", f"not TOML: {what}") from None
        self._lines = key_lines(text)

    def config(self) -> Config:
        for key in self._raw:
            if key not in ("default", "context"):
                self._fail((key,), f"unknown key{nearest(key, ('default', 'context'))}")
        default = self._typed(("default",), self._raw.get("default"), str, "a context's name")
        tables = self._typed(("context",), self._raw.get("context", {}), dict, "tables [context.NAME]") or {}
        contexts = {name: self._context(name, table) for name, table in tables.items()}
        if default is not None and default not in contexts:
            self._fail(("default",), f"no context {default!r}{nearest(default, contexts)}")
        return Config(self._path, contexts, default)

    def _context(self, name: str, table: Any) -> Context:
        at = ("context", name)
        self._typed(at, table, dict, "a table")
        sources: list[SourceConfig] = []
        for key, value in table.items():
            if key not in CONTEXT_KEYS:
                sources += self._sources((*at, key), key, value)
        if self._typed((*at, "local"), table.get("local", True), bool, "true or false"):
            sources.append(SourceConfig("local", "host", load("local").Settings()))
        return Context(
            name=name,
            sources=tuple(sources),
            colour=self._colour((*at, "colour"), table.get("colour", "")),
            read_only=self._read_only
            or self._typed((*at, "read_only"), table.get("read_only", False), bool, "true or false"),
            arm=self._word((*at, "arm"), table.get("arm", "ask"), ("ask", "always")),
            confirm=self._word((*at, "confirm"), table.get("confirm", "button"), ("button", "type")),
            deploys=self._deploys((*at, "deploy"), table.get("deploy", {})),
            pages=self._pages((*at, "page"), table.get("page", [])),
        )

    def _sources(self, at: tuple[str, ...], kind: str, tables: Any) -> list[SourceConfig]:
        if kind in LATER:
            self._fail(at, f"{kind} is not in this version{nearest('', self._kinds())}")
        if kind not in MODULES and "." not in kind:
            self._fail(at, f"unknown key or kind of backend{nearest(kind, (*self._kinds(), *CONTEXT_KEYS))}")
        if kind == "local":
            self._fail(at, "this host is in every context by itself, expected local = true or false")
        self._typed(at, tables, dict, f"tables [context.{at[1]}.{kind}.NAME]")
        try:
            backend = load(kind)
        except BackendError as error:
            self._fail(at, error.reason)
        found = []
        for name, table in tables.items():
            self._typed((*at, name), table, dict, f"a table [context.{at[1]}.{kind}.{name}]")
            found.append(SourceConfig(kind, name, self._settings((*at, name), table, backend.Settings)))
        return found

    def _settings(self, at: tuple[str, ...], table: dict[str, Any], model: type[Settings]) -> Settings:
        known = [item.encode_name for item in msgspec.structs.fields(model)]
        for key in table:
            if key not in known:
                self._fail((*at, key), f"unknown key{nearest(key, known)}")
        try:
            settings = msgspec.convert(self._rooted(table), model)
        except (msgspec.ValidationError, Misconfigured) as error:
            text = str(error)
            inner = re.search(r" - at `\$\.?([^`]*)`$", text)
            path = tuple(part for part in re.split(r"[.\[\]]+", inner.group(1)) if part) if inner else ()
            missing = re.search(r"missing required field `(\w+)`", text)
            wrong = text[: inner.start()] if inner else text
            if missing:
                wrong = f"missing, expected a key {missing.group(1)}"
            self._fail((*at, *path), wrong[0].lower() + wrong[1:])
        if self._writable:
            self._no_commands(at, table)
        return settings

    def _rooted(self, table: dict[str, Any]) -> dict[str, Any]:
        """Files named relative to the configuration's own folder, `~` expanded."""

        def rooted(name: str) -> str:
            return str(self._path.parent.absolute() / Path(name).expanduser())

        out = dict(table)
        for key in ("ca", "cert", "key"):
            if isinstance(out.get(key), str):
                out[key] = rooted(out[key])
        if isinstance(out.get("paths"), list):
            out["paths"] = [rooted(item) if isinstance(item, str) else item for item in out["paths"]]
        for key, value in out.items():
            if isinstance(value, dict) and isinstance(value.get("file"), str):
                out[key] = {**value, "file": rooted(value["file"])}
        return out

    def _no_commands(self, at: tuple[str, ...], value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                if key in ("command", "argv"):
                    self._fail(
                        (*at, key),
                        f"others can write this file, so it may not hold commands; chmod go-w {self._path}",
                    )
                self._no_commands((*at, key), item)

    def _colour(self, at: tuple[str, ...], value: Any) -> str:
        colour = self._typed(at, value, str, "a colour")
        if colour and colour not in COLOURS and not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            self._fail(at, f"unknown colour {colour!r}{nearest(colour, COLOURS)}, or #rrggbb")
        return str(colour)

    def _deploys(self, at: tuple[str, ...], value: Any) -> Mapping[str, Mapping[str, Any]]:
        tables = self._typed(at, value, dict, "tables")
        for name, table in tables.items():
            self._typed((*at, name), table, dict, "a table")
            kind = table.get("kind")
            if kind not in DEPLOY_KINDS:
                self._fail((*at, name, "kind"), f"unknown kind {kind!r}{nearest(str(kind), DEPLOY_KINDS)}")
            argv = table.get("argv", [])
            if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
                self._fail((*at, name, "argv"), "wrong type, expected a list of strings")
            if self._writable:
                self._no_commands((*at, name), table)
        return dict(tables)

    def _pages(self, at: tuple[str, ...], value: Any) -> tuple[Mapping[str, Any], ...]:
        pages = self._typed(at, value, list, "tables [[…page]]")
        for i, page in enumerate(pages):
            here = (*at, str(i))
            for key in page:
                if key not in ("title", "panel"):
                    self._fail((*here, key), f"unknown key{nearest(key, ('title', 'panel'))}")
            for j, panel in enumerate(page.get("panel", [])):
                for key, item in panel.items():
                    place = (*here, "panel", str(j), key)
                    if key not in PANEL_KEYS:
                        self._fail(place, f"unknown key{nearest(key, PANEL_KEYS)}")
                    self._typed(place, item, str, "a string")
        return tuple(pages)

    def _word(self, at: tuple[str, ...], value: Any, words: tuple[str, ...]) -> Any:
        if value not in words:
            self._fail(at, f"wrong value {value!r}{nearest(str(value), words)}")
        return value

    def _typed(self, at: tuple[str, ...], value: Any, kind: type, expected: str) -> Any:
        if value is not None and not isinstance(value, kind):
            self._fail(at, f"wrong type {type(value).__name__}, expected {expected}")
        return value

    def _kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind in MODULES if kind != "local")

    def _fail(self, at: tuple[str, ...], wrong: str) -> Any:
        raise ConfigError(f"{self._path}:{line_of(self._lines, at)}", ".".join(at), wrong) from None


def read_only(context: Context) -> Context:
    """The same context, in which nothing can be changed."""
    return replace(context, read_only=True)
