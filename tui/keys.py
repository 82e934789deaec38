"""Keys: takes each key in order, and gives it at once to the prompt or to the command that it means.

Textual hands a key to the focused widget through a queue of messages, so that in a burst `:members⏎` the letters
would reach the table before the `:` has opened the prompt. Here a key is done when the next one comes: whole
commands may be typed ahead, in one paste of the terminal or over a slow link. Where the next keys are about what
one asked for, and that takes time, they wait before they come here: `tui.key_queue` has one queue for all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from backends.config.context_words import FOR_GOOD, READ_ONLY
from backends.listed import listed
from tui.commands import Command, for_key, for_other_kinds, for_word, key_glyph, key_of, on_screen
from widgets.prompt import Completer, KeyEffect, Prompt

if TYPE_CHECKING:
    from widgets.dialog import Dialog


log = logging.getLogger("midwatch.keys")

PROMPTING = ("open_command", "open_search", "open_keep")
"""Commands that open the prompt over a view for which keys wait."""


class KeysDesk(Protocol):
    """Whom the keys serve."""

    @property
    def view(self) -> Any: ...
    @property
    def ways(self) -> object: ...
    @property
    def everywhere(self) -> object: ...
    @property
    def dialog(self) -> Dialog | None: ...
    def offers(self, command: Command) -> bool: ...
    def say(self, text: str) -> None: ...
    def prompt_changed(self) -> None: ...
    def hush(self) -> None: ...


class Keys:
    def __init__(self, desk: KeysDesk) -> None:
        self.prompt = Prompt()
        self._desk = desk
        self._edited: Callable[[str], None] = lambda text: None
        self._accepted: Callable[[str], None] = lambda text: None
        self._cancelled: Callable[[], None] = lambda: None

    def ask(
        self,
        sign: str,
        text: str,
        accepted: Callable[[str], None],
        *,
        edited: Callable[[str], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        complete: Completer | None = None,
    ) -> None:
        """Open the prompt; `edited` hears each keystroke, then one of the others how it ended."""
        self._accepted = accepted
        self._edited = edited or (lambda text: None)
        self._cancelled = cancelled or (lambda: None)
        self.prompt.begin(sign, text, complete)
        self._desk.prompt_changed()

    @property
    def wait(self) -> bool:
        """Whether keys are to wait, since the view in front is not yet what they are about; a dialog is."""
        dialog = self._desk.dialog
        return bool(self._desk.view.keys_wait) and not (dialog is not None and dialog.open)

    def ends_waiting(self, key: str, waiting: Iterable[str]) -> bool:
        """Whether a key does not wait behind those, but ends what they wait for. What is typed into the prompt
        waits, even if the prompt is still to be opened by a key that does."""
        view, typing = self._desk.view, self.prompt.open

        def means(key: str) -> str:
            command = for_key(key, view.screen_name, view.kind_name)
            return "" if command is None else command.do

        for before in waiting:
            typing = before not in ("enter", "ctrl+j") if typing else means(before) in PROMPTING
        return key in ("escape", "ctrl+c") or (not typing and means(key) in view.ends_waiting)

    def press(self, key: str, character: str | None) -> None:
        if key == "ctrl+j":
            key = "enter"  # Typed before the terminal was ours: it has made a line feed of it (ICRNL).
        if (dialog := self._desk.dialog) is not None and dialog.open:
            dialog.press(key, character)
            return
        if dialog is not None and dialog.swallows(key, character):
            self._desk.say("what was typed on after the dialog had closed was left out")
            return
        if self.prompt.open:
            self._settle(self.prompt.press(key, character))
            return
        self._desk.hush()
        view = self._desk.view
        command = for_key(key, view.screen_name, view.kind_name)
        if command is not None:
            self.do(command)
        elif (elsewhere := for_other_kinds(key, view.screen_name)) is not None:
            self._explain(key, elsewhere)

    def paste(self, text: str) -> None:
        """Pasted text goes into an open prompt only: on a table it would be a burst of commands."""
        if (dialog := self._desk.dialog) is not None and dialog.open:
            dialog.paste(text)
        elif self.prompt.open:
            self._settle(self.prompt.insert(text))

    def _settle(self, effect: KeyEffect) -> None:
        text = self.prompt.text
        self._desk.prompt_changed()
        if effect is KeyEffect.EDITED:
            self._edited(text)
        elif effect is KeyEffect.CANCELLED:
            self._cancelled()
        else:
            self._accepted(text)

    def run_line(self, text: str) -> None:
        """Do what was typed after `:`."""
        word, _, rest = text.strip().removeprefix(":").partition(" ")
        if not word:
            return
        command = for_word(word)
        if command is None:
            self._desk.say(f"no command :{word}; {key_of('show_help')} lists them")
            return
        self.do(command, rest.strip())

    def _explain(self, key: str, command: Command) -> None:
        """Say that a key is not for this kind, and what does something here where it was to act."""
        if not self._desk.offers(command):
            self._desk.say(f"{READ_ONLY}: {FOR_GOOD}")
            return
        view = self._desk.view
        what = command.help.partition(":")[0]
        text = f"{key_glyph(key)} ({what}) is not for {view.kind_name}"
        here = [c for c in on_screen(view.screen_name, view.kind_name) if c.acts and c.keys]
        if command.acts and here:
            keys = [c.keys[0] for c in here]
            text += f"; here {listed(keys, len(keys))} act{'' if len(here) > 1 else 's'}"
        self._desk.say(text)

    def do(self, command: Command, rest: str | None = None) -> None:
        """Call the method that the command names: of the view in front, of the ways to others, of what all have,
        or of the app. `rest` is what was typed after its word; None where a key was pressed."""
        if not self._desk.offers(command):
            self._desk.say(f"{READ_ONLY}: {FOR_GOOD}")
            return
        if rest and not command.takes:
            self._desk.say(f":{command.word} takes nothing after it; {rest} was not understood")
            return
        method, *fixed = command.do.split()
        owners = (self._desk.view, self._desk.ways, self._desk.everywhere, self._desk)
        owner = next((one for one in owners if hasattr(one, method)), None)
        if owner is None:
            self._desk.say(f":{command.word} works on {' and '.join(command.on)} only")
            return
        try:
            getattr(owner, method)(*fixed, *([rest] if rest is not None and command.takes else []))
        except Exception as error:
            # One command that fails is no reason to leave somebody in the dark.
            log.exception("a bug in the command %s", command.do)
            self._desk.say(f"a bug of midwatch's own ({type(error).__name__}); :log has the rest")
