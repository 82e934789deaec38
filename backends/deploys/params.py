"""Parameters of a deploy: what may be given, and how it gets into a command. Pure.

A value can't become an option or a second argument: there is no shell, a placeholder is filled within its own
item of the argv list, and a value that begins with `-` passes only where the configuration offers it. Where the
command is a shell, or goes to one of another host, `shells` says what would become code there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from backends.api.errors import Misconfigured
from backends.api.runs import Param
from backends.clean import clean
from backends.deploys.shells import INERT, code_items, remote_items
from backends.nearest import one_of

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
AS_CODE = (
    "a parameter would be read as shell code; give it as an argument of its own: 'echo \"$1\"', 'sh', '{name}'"
)
REMOTE = (
    "a shell of another host would read it: there it may hold letters, digits and . _ / : @ + , - alone; "
    "a script on this side can take what it likes"
)
VALUE_MOST = 4096
"""Characters of a value."""


def check_template(argv: Sequence[str], params: Iterable[str]) -> None:
    """Raises `Misconfigured`, with the item as `where`, for a command that its parameters don't fit."""
    names = list(params)
    if PLACEHOLDER.search(argv[0]):
        raise Misconfigured("the command itself can't be a parameter", where=argv[0])
    used: set[str] = set()
    code = code_items(argv)
    for at, item in enumerate(argv):
        for name in PLACEHOLDER.findall(item):
            if at in code:
                raise Misconfigured(AS_CODE, where=item)
            if name not in names:
                raise Misconfigured(f"{{{name}}} is no parameter{one_of(name, names)}", where=item)
            used.add(name)
    for name in names:
        if name not in used:
            raise Misconfigured(f"nothing in argv says {{{name}}}", where=name)


def filled(argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The command with its parameters. One pass: what looks like a placeholder in a value stays as it is.

    Raises `Misconfigured`, with the parameter as `where`, for a value that a shell would read as code.
    """
    made = tuple(PLACEHOLDER.sub(lambda found: values[found.group(1)], item) for item in argv)
    # Once more: which program it is, or that an option is `-c`, may be what a parameter says.
    code, remote = code_items(made), remote_items(made)
    for at, item in enumerate(argv):
        for name in PLACEHOLDER.findall(item):
            if at in code:
                raise Misconfigured(AS_CODE, where=name)
            if at in remote and not INERT.fullmatch(values[name]):
                raise Misconfigured(REMOTE, where=name)
    return made


def known_only(given: Iterable[str], params: Sequence[Param]) -> None:
    """Raises `Misconfigured` for a parameter that the deploy does not have."""
    names = [param.name for param in params]
    for name in given:
        if name not in names:
            raise Misconfigured(f"no such parameter{one_of(name, names)}", where=name)


def value_of(param: Param, given: str | None, listed: Sequence[str]) -> str:
    """The value of a parameter: what was given, or its default. `listed` is what its command printed.

    Raises `Misconfigured` with the parameter as `where`.
    """
    value = param.default if given is None else given
    if value is None:
        raise Misconfigured(f"missing, expected {expected(param, listed)}", where=param.name)
    if not value.isprintable():
        raise Misconfigured("holds control characters", where=param.name)
    if len(value) > VALUE_MOST:
        raise Misconfigured(f"longer than {VALUE_MOST} characters", where=param.name)
    if param.choices:
        if value not in param.choices:
            raise Misconfigured(f"{value!r} is not allowed{one_of(value, param.choices)}", where=param.name)
        return value
    if value.startswith("-"):
        raise Misconfigured(f"{value!r} would be taken for an option", where=param.name)
    if param.listed and value not in listed:
        raise Misconfigured(f"{value!r} is not allowed{_near(value, listed)}", where=param.name)
    if param.pattern and not re.fullmatch(param.pattern, value):
        raise Misconfigured(f"{value!r} is not allowed, expected {expected(param, listed)}", where=param.name)
    return value


def expected(param: Param, listed: Sequence[str] = ()) -> str:
    """What a parameter may be, in words."""
    words = param.choices or listed
    if words:
        return f"one of {clean(', '.join(words[:10]))}" + (" …" if len(words) > 10 else "")
    return f"a text that fits {param.pattern}" if param.pattern else f"a line of `{' '.join(param.listed)}`"


def _near(value: str, listed: Sequence[str]) -> str:
    """Like `one_of`, for a list that may be long."""
    return clean(one_of(value, listed[:50]))
