"""The app over a real deploy: its runner is a process of its own, its runs lie in the test's state folder."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from backends.api.settings import SecretRef
from backends.config.context import Context, SourceConfig
from backends.deploys.settings import DeploySettings, ParamSettings

PLAIN, ENV, FILE, COMMAND = (f"canary-{word}-90c1ab" for word in ("plain", "env", "file", "command"))
CANARIES = (PLAIN, ENV, FILE, COMMAND)
"""One in each place where a secret may stand; `ENV` is to be put into `MW_CANARY`."""
SCRIPT = """
import os, sys, time
print("::step fetch", flush=True)
print("release", *sys.argv[1:], flush=True)
print("::step switch", flush=True)
while not os.path.exists("go"):
    time.sleep(0.02)
sys.exit(int(open("go").read() or 0))
"""


def script(folder: Path) -> None:
    """What is deployed waits for the file `go`, whose content is its exit status."""
    (folder / "deploy.py").write_text(SCRIPT)
    (folder / "secret").write_text(FILE)
    (folder / "secret").chmod(0o600)
    (folder / "printer").write_text(f"#!/bin/sh\necho {COMMAND}\n")
    (folder / "lister").write_text("#!/bin/sh\necho eu-1\necho eu-2\n")
    for name in ("printer", "lister"):
        (folder / name).chmod(0o700)


def context(folder: Path, *others: SourceConfig, **more: Any) -> Context:
    """`web` asks for a version, a region from a command and a text; `plain` asks for nothing."""
    argv = (sys.executable, "-S", "deploy.py", "{version}", "{region}", "{note}")
    params = {
        "version": ParamSettings(choices=("1.8.1", "1.8.2")),
        "region": ParamSettings(listed=(str(folder / "lister"),)),
        "note": ParamSettings(pattern="[a-z ]+", default="none"),
    }
    environment: dict[str, str | SecretRef] = {
        "PLAIN": PLAIN,
        "ENV": SecretRef(env="MW_CANARY"),
        "FILE": SecretRef(file=str(folder / "secret")),
        "COMMAND": SecretRef(command=(str(folder / "printer"),)),
    }
    where = str(folder)
    web = DeploySettings("command", argv, params, environment, where)
    plain = DeploySettings("command", argv[:3], directory=where)
    sources = (SourceConfig("deploy", "plain", plain), SourceConfig("deploy", "web", web), *others)
    return Context("lab", sources, **more)


async def go(folder: Path, status: int = 0) -> None:
    """Let what waits end."""
    # Whole at once: whoever waits reads it as soon as it is there.
    part = folder / "go.part"
    await asyncio.to_thread(part.write_text, str(status) if status else "")
    await asyncio.to_thread(part.rename, folder / "go")
