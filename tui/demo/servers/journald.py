"""A real journal without a systemd: systemd-journal-remote writes what our journal writer tells it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tui.demo import journal_writer
from tui.demo.getting import Program, find, libraries, with_libraries
from tui.demo.packages.command import Missing
from tui.demo.servers import Scene, Snippet, Start
from tui.demo.state import Part

JOURNAL_REMOTE = Program(
    "systemd-journal-remote",
    (
        *("systemd-journal-remote", "systemd", "libsystemd-shared", "libmicrohttpd12t64|libmicrohttpd12"),
        *("libip4tc2", "libkmod2"),
    ),
)
"""It writes a real journal of whatever it is given, without a systemd; journalctl comes with it."""


class DemoJournald:
    name = "journald"
    programs = (JOURNAL_REMOTE,)

    def plan(self, scene: Scene) -> list[Start]:
        remote = scene.program(JOURNAL_REMOTE)
        if find("journalctl") is None:
            raise Missing("journald: there is no journalctl to read a journal with")
        folder = _folder(scene)
        folder.mkdir(exist_ok=True)
        environment = {
            "JOURNAL_REMOTE": remote,
            "JOURNAL_LIBRARIES": libraries(remote).get("LD_LIBRARY_PATH", ""),
            "JOURNAL_FOLDER": str(folder),
            "JOURNAL_SUPERVISOR": str(scene.folder / "supervisord.log"),
            "JOURNAL_WEB": " ".join(scene.services.get("web", ())),
            "JOURNAL_QUIET": "1" if scene.quiet else "",
        }
        return [
            Start(
                part=Part("journald", str(folder / "demo.journal"), str(folder / "ready.sock")),
                argv=(sys.executable, "-P", str(Path(journal_writer.__file__))),
                environment=environment,
            )
        ]

    def abandon(self, scene: Scene) -> None:
        """Nobody else was told of it."""

    def config(self, scene: Scene) -> list[Snippet]:
        text = f"[context.demo.journald.main]\nfiles = [{json.dumps(f'{_folder(scene)}/*.journal')}]\n"
        found = find("journalctl") or "journalctl"
        program = with_libraries(found, _folder(scene) / "journalctl")
        return [Snippet("journald", text + (f"program = {json.dumps(program)}\n" if program != found else ""))]


def _folder(scene: Scene) -> Path:
    return scene.folder / "journal"
