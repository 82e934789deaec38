"""Secrets: fetched when a backend connects, masked wherever settings are shown."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Mapping
from typing import Any

import msgspec

from backends.api.errors import Misconfigured
from backends.api.settings import Secret, SecretRef, SecretSetting

COMMAND_SECONDS = 10.0
MASK = "***"
_SECRET_NAME = re.compile(r"pass(word|wd)?|token|secret|auth", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^/@:\s]*:)[^/@\s]+@")


def reveal(value: SecretSetting, env: Mapping[str, str] | None = None) -> Secret:
    """The secret that a setting stands for. Blocks (a file, a command of at most 10 s): call it in a thread.

    Raises `Misconfigured`, which names the place and never the content.
    """
    if isinstance(value, str):
        return Secret(value)
    if value.env is not None:
        found = (os.environ if env is None else env).get(value.env)
        if found is None:
            raise Misconfigured("the environment variable of a secret is not set", where=f"${value.env}")
        return Secret(found)
    if value.file is not None:
        return _from_file(value.file)
    if value.command:
        return _from_command(value.command)
    raise Misconfigured("a secret needs one of env, file, command")


def _from_file(name: str) -> Secret:
    path = os.path.expanduser(name)
    try:
        with open(path, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Misconfigured("others can read this secret", where=name, hint=f"chmod 600 {name}")
            return Secret(file.read().rstrip("\n"))
    except OSError as error:
        raise Misconfigured(f"secret not readable: {error.strerror}", where=name) from error
    except UnicodeDecodeError:
        raise Misconfigured("secret is not text", where=name) from None


def _from_command(argv: tuple[str, ...]) -> Secret:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Misconfigured(f"no secret within {COMMAND_SECONDS:g} s", where=argv[0]) from None
    except OSError as error:
        raise Misconfigured(f"secret's command: {error.strerror}", where=argv[0]) from error
    if done.returncode:
        raise Misconfigured(f"secret's command exited with {done.returncode}", where=argv[0])
    return Secret(done.stdout.decode("utf-8", "replace").rstrip("\n"))


def mask_url(text: str) -> str:
    """A URL without the password that it carries."""
    return _IN_URL.sub(rf"\1{MASK}@", text)


def masked(value: Any, name: str = "") -> Any:
    """Settings as plain data to show: no secret, and no password of a URL."""
    if isinstance(value, SecretRef):
        return {key: item for key, item in msgspec.structs.asdict(value).items() if item is not None}
    if isinstance(value, msgspec.Struct):
        return {key: masked(item, key) for key, item in msgspec.structs.asdict(value).items() if item is not None}
    if isinstance(value, Mapping):
        return {str(key): masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, name) for item in value]
    if isinstance(value, str):
        return MASK if _SECRET_NAME.search(name) else mask_url(value)
    return value
