"""A parameter is what it may be, and stays one argument."""

from __future__ import annotations

import pytest

from backends.api.errors import Misconfigured
from backends.api.runs import Param
from backends.deploys.params import check_template, filled, known_only, value_of

CHOICES = Param("v", choices=("1.8.1", "1.8.2", "--all"))
TEXT = Param("v", pattern=r"[a-z -]+")
LISTED = Param("v", listed=("git", "tag"))


@pytest.mark.parametrize(
    ("param", "given", "listed", "value"),
    [
        (CHOICES, "1.8.2", (), "1.8.2"),
        (CHOICES, "--all", (), "--all"),
        (TEXT, "two words", (), "two words"),
        (LISTED, "v9", ("v8", "v9"), "v9"),
        (Param("v", choices=("a", "b"), default="b"), None, (), "b"),
    ],
)
def test_what_is_allowed(param: Param, given: str | None, listed: tuple[str, ...], value: str) -> None:
    assert value_of(param, given, listed) == value


@pytest.mark.parametrize(
    ("param", "given", "listed", "says"),
    [
        (CHOICES, "1.8.3", (), "nearest is 1.8.2"),
        (CHOICES, None, (), "missing, expected one of 1.8.1, 1.8.2, --all"),
        (CHOICES, "", (), "not allowed"),
        (TEXT, "-x", (), "taken for an option"),
        (TEXT, "UPPER", (), r"a text that fits \[a-z -\]\+"),
        (TEXT, "good\nbad", (), "control characters"),
        (TEXT, "good\x1b[2J", (), "control characters"),
        (TEXT, "a\u202eb", (), "control characters"),
        (TEXT, "a" * 5000, (), "longer than"),
        (LISTED, "v7", ("v8", "v9"), "expected one of v8, v9"),
        (LISTED, "--exec=sh", ("--exec=sh",), "taken for an option"),
        (LISTED, "v7", (), "there is none"),
    ],
)
def test_what_is_not(param: Param, given: str | None, listed: tuple[str, ...], says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as caught:
        value_of(param, given, listed)
    assert caught.value.where == "v"


def test_a_value_stays_within_its_argument_and_is_not_filled_again() -> None:
    argv = ("deploy", "--tag={v}", "{v}", "{w}{v}", "x{}y", "{not me}")
    values = {"v": "1 2; rm -rf $(x) {w}", "w": "&& {v}"}
    assert filled(argv, values) == (
        *("deploy", "--tag=1 2; rm -rf $(x) {w}", "1 2; rm -rf $(x) {w}", "&& {v}1 2; rm -rf $(x) {w}"),
        *("x{}y", "{not me}"),
    )


@pytest.mark.parametrize(
    ("argv", "params", "where", "says"),
    [
        (("{v}", "x"), ("v",), "{v}", "can't be a parameter"),
        (("deploy", "{verson}"), ("version",), "{verson}", "nearest is version"),
        (("deploy",), ("version",), "version", "nothing in argv says"),
        (("/bin/bash", "-ec", "echo {v}"), ("v",), "echo {v}", "read as shell code"),
        (("sh", "-c", "run {v}"), ("v",), "run {v}", "read as shell code"),
    ],
)
def test_a_command_that_its_parameters_do_not_fit(
    argv: tuple[str, ...], params: tuple[str, ...], where: str, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says) as caught:
        check_template(argv, params)
    assert caught.value.where == where


def test_a_script_takes_parameters_as_arguments() -> None:
    check_template(("sh", "-c", 'run "$1"', "sh", "{v}"), ("v",))


def test_an_unknown_parameter_is_told_the_nearest() -> None:
    with pytest.raises(Misconfigured, match="nearest is version"):
        known_only(("verison",), (Param("version", pattern="."),))
