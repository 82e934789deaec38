"""What a deploy may be told: one table `[context.NAME.deploy.NAME]`."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

import msgspec

from backends.api.runs import Param
from backends.api.settings import SecretSetting, Settings

LONGEST = 7 * 86_400.0

Command = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class ParamSettings(Settings, frozen=True, rename={"listed": "from"}):
    """Exactly one of `choices`, `from` (a command that prints one value a line, and changes nothing), and
    `pattern` (a regular expression for the whole of a text)."""

    commands: ClassVar[tuple[str, ...]] = ("from",)

    choices: Command | None = None
    listed: Command | None = None
    pattern: str | None = None
    default: str | None = None

    def __post_init__(self) -> None:
        if len([given for given in (self.choices, self.listed, self.pattern) if given is not None]) != 1:
            raise ValueError("Expected exactly one of choices, from, pattern")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"Expected a regular expression as pattern: {error}") from None

    def param(self, name: str) -> Param:
        return Param(name, self.choices or (), self.listed or (), self.pattern or "", self.default)


class DeploySettings(Settings, frozen=True):
    """`argv` is the command, with `{name}` where a parameter belongs; no shell reads it. `directory` is where it
    runs, the configuration's own folder if not said. `environment` is added to midwatch's own; its values may be
    secrets and reach the command in no other way. `timeout` in seconds ends it. Of the kinds only `command` is
    in this version."""

    commands: ClassVar[tuple[str, ...]] = ("argv",)

    kind: Literal["command", "rolling", "bluegreen", "webhook"]
    argv: Command
    params: dict[str, ParamSettings] = msgspec.field(default_factory=dict)
    environment: dict[str, SecretSetting] = msgspec.field(default_factory=dict)
    directory: str = "."
    timeout: Annotated[float, msgspec.Meta(gt=0, le=LONGEST)] = 3600.0

    def __post_init__(self) -> None:
        for name in self.environment:
            if not name or "=" in name or "\0" in name:
                raise ValueError(f"Expected names of variables in environment, without =: {name!r}")
