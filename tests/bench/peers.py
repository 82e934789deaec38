"""The programs that our figures stand beside, got like the demo's servers: without root, into the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.figures import Figures
from tui.demo.getting import Program, cache_folder, get, with_libraries
from tui.demo.packages.command import Missing, reason, run

HTOP = Program("htop", ("htop", "libnl-3-200", "libnl-genl-3-200"))
LESS = Program("less", ("less",))
LNAV = Program(
    "lnav",
    (
        *("lnav", "libarchive13|libarchive13t64", "libcurl3-gnutls|libcurl3t64-gnutls", "libpcre2-8-0"),
        *("libnghttp2-14", "librtmp1", "libssh2-1|libssh2-1t64", "libpsl5|libpsl5t64", "libbrotli1", "libxml2"),
        *("libldap-2.5-0|libldap-2.6-0|libldap2", "libsasl2-2"),
    ),
)


def peer(figures: Figures, program: Program, scratch: Path) -> list[str] | None:
    """How to call a peer; None where it can't be had, which the table then says."""
    try:
        return [with_libraries(get(program), scratch / program.name)]
    except Missing as error:
        figures.lacks(program.name, str(error))
        return None


def glances(figures: Figures) -> list[str] | None:
    """glances comes from the Python package index, into an environment of its own."""
    folder = cache_folder().with_name("glances")
    if not (folder / "bin" / "python").exists():
        try:
            _make(folder)
        except (Missing, OSError, subprocess.SubprocessError) as error:
            figures.lacks("glances", str(error))
            return None
    return [str(folder / "bin" / "python"), "-m", "glances"]


def _make(folder: Path) -> None:
    """Filled under a name of its own first: an interrupted run leaves nothing that looks whole."""
    new = folder.with_name(f"{folder.name}.{os.getpid()}")
    subprocess.run([sys.executable, "-m", "venv", new], check=True, capture_output=True)
    pip = [str(new / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    done = run([*pip, "glances"], new)
    if done.returncode:
        raise Missing(reason(done))
    new.rename(folder)
