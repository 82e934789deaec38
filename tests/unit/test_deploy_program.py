"""What the program of a deploy is called: its first step, until the output names others."""

from __future__ import annotations

import pytest

from backends.deploys.deploy import program


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (("./deploy.sh", "1.8.2"), "deploy.sh"),
        (("/usr/bin/python3.11", "-P", "-m", "shop.rollout", "web"), "rollout"),
        (("python", "-S", "tools/deploy.py"), "deploy.py"),
        (("python3", "-m"), "python3"),
        (("sudo", "./deploy.sh"), "sudo"),
    ],
)
def test_its_name(argv: tuple[str, ...], name: str) -> None:
    assert program(argv) == name
