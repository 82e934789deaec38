"""The frame that is drawn before Textual is there: bytes of our own, around words of a configuration."""

from __future__ import annotations

import os

from backends.api.settings import Settings
from backends.context import Context, SourceConfig
from tests.hostile import EVIL, foreign
from tui.start import skeleton


def test_no_word_of_a_configuration_acts_on_the_terminal() -> None:
    context = Context(EVIL, (SourceConfig("etcd", EVIL, Settings()),), colour="red")
    frame = "\r\n".join(skeleton(context, os.terminal_size((1000, 24))))
    assert frame.count("EVIL") == 2
    assert not foreign(frame.encode("utf-8", "surrogatepass"))
