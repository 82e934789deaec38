"""What a backend may be told: typed, frozen, strict; secrets by reference."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of each backend's settings: one table `[context.NAME.KIND.NAME]` of the configuration.

    A subclass says `frozen=True` again, for type checkers. Field names are the configuration's keys; a
    field's type and constraints are what `config check` tests. A key named `ca`, `cert`, `key`, `file` or
    `directory` is a file, `paths` and `files` are patterns of files: relative ones begin at the configuration's
    folder (`backends.config.settings_files`).
    """

    commands: ClassVar[tuple[str, ...]] = ()
    """The keys whose values are commands to run; a file that others can write may not hold them."""

    def __repr__(self) -> str:
        """Without the values: a password may be one of them, and a traceback prints what it finds."""
        return f"{type(self).__name__}(…)"


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a secret is kept: exactly one of an environment variable, a file, or a command (an argv list)."""

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if len([place for place in (self.env, self.file, self.command) if place]) != 1:
            raise ValueError("Expected exactly one of env, file, command")


class Secret:
    """A secret in hand. Only `reveal()` shows it: not repr, not str, not a traceback that prints locals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


SecretSetting = str | SecretRef
"""How a secret stands in a Settings struct. A plain string works and is masked wherever settings are shown;
`backends.secrets.reveal` turns either into a Secret when the backend connects."""
