"""A parameter is what it may be, and stays one argument."""

from __future__ import annotations

import subprocess
from itertools import product
from shutil import which

import pytest

from backends.api.errors import Misconfigured
from backends.api.runs import Param
from backends.deploys.params import check_template, filled, known_only, value_of

NAMES = ("sh", "bash", "dash", "ksh", "zsh", "mksh", "ash")
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


CODE = [
    "sh -c d{v}",
    "bash -ceu d{v}",
    "bash -c -- d{v}",
    "bash -c - d{v}",
    "bash -c -e d{v}",
    "bash +c d{v}",
    "bash -o pipefail -c d{v}",
    "bash -euo pipefail -c d{v}",
    "bash -c -o pipefail d{v}",
    "bash -co pipefail d{v}",
    "bash -O extglob -c d{v}",
    "bash -{v} -c d",
    "bash --norc -c d{v}",
    "bash --rcfile f -c d{v}",
    "bash --rcfile {v} -c d",
    "bash {v}",
    "bash -x {v}",
    "/bin/bash-5.2 -c d{v}",
    "-bash -c d{v}",
    "zsh -oerrexit -c d{v}",
    "zsh -fc d{v}",
    "ksh -R f -c d{v}",
    "tcsh -f -c d{v}",
    "csh -c d{v}",
    "fish -c d{v}",
    "fish -cd{v}",
    "fish -p prof -c d{v}",
    "fish -f x -c d{v}",
    "fish -C d{v} -c x",
    "fish --command=d{v}",
    "fish --command d{v}",
    "sudo -u app bash -c d{v}",
    "sudo -u app bash -lc d{v}",
    "sudo bash --rcfile f -c d{v}",
    "env sh -c d{v}",
    "env A=b /bin/sh -ec d{v}",
    "docker exec c sh -c d{v}",
    "kubectl exec p -- sh -c d{v}",
    "busybox sh -c d{v}",
    "busybox ash -c d{v}",
    "su app -c d{v}",
    "su -c d{v} app",
    "su -cd{v} app",
    "su - app -c d{v}",
    "su app --command d{v}",
    "su app --command=d{v}",
    "su --session-command=d{v}",
    "su -s /bin/bash app -c d{v}",
    "sudo su app -c d{v}",
    "runuser app -c d{v}",
    "sg group -c d{v}",
    "sh -c x y bash -c d{v}",
    "timeout 5 nice sh -c d{v}",
]
VALUES = [
    "sh -c x sh {v}",
    "bash -ceu x y {v}",
    "bash -euo pipefail -c x y {v}",
    "bash -c -- x {v}",
    "bash --norc deploy.sh {v}",
    "sh deploy.sh {v}",
    "bash -x deploy.sh {v}",
    "sh -- deploy.sh {v}",
    "sudo -u app bash -c x y {v}",
    "runuser -u app -- bash -c x y {v}",
    "docker exec c sh -c x y {v}",
    "fish -c x {v}",
    "deploy.sh sh {v}",
    "deploy.sh -c {v}",
    "deploy.sh --shell=bash -c {v}",
    "su app {v}",
    "kubectl exec p -- deploy {v}",
    "./script -c {v}",
    "ssh web-1 deploy {v}",
]


@pytest.mark.parametrize("line", CODE)
def test_what_a_shell_would_read_as_code_is_refused(line: str) -> None:
    with pytest.raises(Misconfigured, match="read as shell code"):
        check_template(line.split(), ("v",))
    with pytest.raises(Misconfigured, match="read as shell code") as caught:
        filled(line.split(), {"v": "1"})
    assert caught.value.where == "v"


@pytest.mark.parametrize("line", VALUES)
def test_what_is_an_argument_of_its_own_passes(line: str) -> None:
    check_template(line.split(), ("v",))
    assert filled(line.split(), {"v": "1.8.2"}) == tuple(line.replace("{v}", "1.8.2").split())


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("sudo {s} -c d{v}", {"s": "bash", "v": "1"}),
        ("env sh {o} d{v}", {"o": "-c", "v": "1"}),
    ],
)
def test_a_shell_that_a_parameter_names(line: str, values: dict[str, str]) -> None:
    check_template(line.split(), values)
    with pytest.raises(Misconfigured, match="read as shell code"):
        filled(line.split(), values)


@pytest.mark.parametrize(
    "line", ["ssh web-1 deploy {v}", "sudo /usr/bin/ssh -t a@b d --to={v}", "rsync -a x h:{v}"]
)
def test_what_a_shell_of_another_host_reads_must_mean_nothing_to_it(line: str) -> None:
    check_template(line.split(), ("v",))
    for value in ("1.8.2", "v1_a-b", "", "registry:5000/web@sha256:ab", "a,b+c"):
        assert filled(line.split(), {"v": value})[-1].endswith(value)
    for value in (
        "1;reboot",
        "a b",
        "$(x)",
        "`x`",
        "a'b",
        'a"b',
        "a|b",
        "a&b",
        "a>b",
        "*",
        "~",
        "a\\b",
        "{a,b}",
        "é",
    ):
        with pytest.raises(Misconfigured, match="a shell of another host would read it") as caught:
            filled(line.split(), {"v": value})
        assert caught.value.where == "v"


OPTIONS = ("-c", "-e", "-ec", "-o errexit", "-co errexit", "--", "-", "+c")


@pytest.mark.parametrize("shell", [name for name in NAMES if which(name)])
def test_real_shells_run_nothing_of_a_place_that_passes(shell: str) -> None:
    """A value that would leave a word behind, in each place in its turn."""
    for options in (words for count in range(3) for words in product(OPTIONS, repeat=count)):
        template = [shell, *" ".join(options).split(), ":", ":", ":"]
        for at in range(1, len(template)):
            argv = [*template[:at], "{v}", *template[at + 1 :]]
            try:
                check_template(argv, ("v",))
            except Misconfigured:
                continue
            made = [item.replace("{v}", "echo canary") for item in argv]
            done = subprocess.run(made, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
            assert b"canary" not in done.stdout, made


def test_a_script_takes_parameters_as_arguments() -> None:
    check_template(("sh", "-c", 'run "$1"', "sh", "{v}"), ("v",))


def test_an_unknown_parameter_is_told_the_nearest() -> None:
    with pytest.raises(Misconfigured, match="nearest is version"):
        known_only(("verison",), (Param("version", pattern="."),))
