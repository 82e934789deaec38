"""Settings and addresses without the secrets in them: what `config show`, errors and troubles may print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

import msgspec

from backends.api.settings import SecretRef

MASK = "***"
_SECRET_WORD = r"pass(?:word|wd|phrase)?|token|secret|auth|credential|(?:api|private|access)[_-]?key"
_SECRET_NAME = re.compile(_SECRET_WORD, re.IGNORECASE)
_USER_INFO = re.compile(r"(://)(?![^/?#@\s:]*(?::\d*)?[/?#])([^/@:\s]*:)\S*@")
"""User and password, up to the last `@`: one in a password should have been quoted, and mostly was not. Not
where a plain host and port come first, and the `@` is part of the path."""
_IN_QUERY = re.compile(rf"([?&][^=&\s]*(?:{_SECRET_WORD})[^=&\s]*=)[^&\s#]+", re.IGNORECASE)


def mask_url(text: str) -> str:
    """A URL without the password that it carries, before its host or in its query."""
    if "://" not in text:
        return text
    return _IN_QUERY.sub(rf"\1{MASK}", _USER_INFO.sub(rf"\1\2{MASK}@", text))


def masked(value: Any, name: str = "") -> Any:
    """Settings as plain data to show: no secret, and no password of a URL."""
    if isinstance(value, SecretRef):
        return {key: item for key, item in msgspec.structs.asdict(value).items() if item is not None}
    if isinstance(value, msgspec.Struct):
        secret = _secret_fields(type(value))
        found = {key: item for key, item in msgspec.structs.asdict(value).items() if item is not None}
        return {key: _hidden(item) if key in secret else masked(item, key) for key, item in found.items()}
    if isinstance(value, Mapping):
        return {str(key): masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, name) for item in value]
    if isinstance(value, str):
        return MASK if _SECRET_NAME.search(name) else mask_url(value)
    return value


def _hidden(value: Any) -> Any:
    """A secret, or a table of them (headers): only where they are kept may be shown."""
    if isinstance(value, Mapping):
        return {str(key): _hidden(item) for key, item in value.items()}
    return MASK if isinstance(value, str) else masked(value)


def _secret_fields(model: type[msgspec.Struct]) -> frozenset[str]:
    """The fields that are annotated as secrets, whatever they are called."""
    try:
        hints = get_type_hints(model)
    except Exception:  # An outside backend's annotations are its own; names are looked at besides.
        return frozenset()
    return frozenset(name for name, hint in hints.items() if _holds_secrets(hint))


def _holds_secrets(hint: Any) -> bool:
    return hint is SecretRef or any(_holds_secrets(part) for part in get_args(hint))
