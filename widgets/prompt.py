"""Prompt: the line for `:` commands and `/` filters: editing, history, completion. Pure state, drawn by others.

It takes keys one by one and at once, so that a whole command typed ahead in one burst is one command.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence

from backends.clean import clean

Completer = Callable[[str], Sequence[str]]
"""Given the text so far, whole texts that it could become, best first."""

HISTORY = 200
_BEFORE_LAST_WORD = re.compile(r".*[\s(){},=\"]", re.DOTALL)


class KeyEffect(enum.Enum):
    """What a key did to the line."""

    EDITED = "edited"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


class Prompt:
    def __init__(self) -> None:
        self.sign = ""
        """What it was opened with (`:`, `/`, `&`); empty while it is closed."""
        self.text = ""
        self.at = 0
        self._complete: Completer = lambda text: ()
        self._history: dict[str, list[str]] = {}
        self._back = 0
        self._draft = ""
        """What was typed before the history was gone through."""
        self._offered: list[str] = []

    @property
    def open(self) -> bool:
        return bool(self.sign)

    @property
    def offers(self) -> list[str]:
        """What the present text could become."""
        return [offer for offer in self._complete(self.text) if offer != self.text]

    @property
    def endings(self) -> list[str]:
        """The offers without what was typed before the last word, where all of them go on from there."""
        offers = self.offers
        found = _BEFORE_LAST_WORD.match(self.text)
        before = found.group() if found else ""
        return [offer[len(before) :] for offer in offers] if all(o.startswith(before) for o in offers) else offers

    def begin(self, sign: str, text: str = "", complete: Completer | None = None) -> None:
        self.sign, self.text, self.at = sign, text, len(text)
        self._complete = complete or (lambda text: ())
        self._back = 0
        self._offered = []

    def close(self) -> None:
        self.sign = ""

    def insert(self, text: str) -> KeyEffect:
        """Typed or pasted text; a paste is one line, and never carries control characters."""
        text = clean(text.replace("\n", " ").replace("\r", ""))
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)
        self._offered = []
        return KeyEffect.EDITED

    def press(self, key: str, character: str | None) -> KeyEffect:
        """One key, by Textual's name, with the character it types, if it does."""
        if key == "enter":
            self._remember()
            self.close()
            return KeyEffect.ACCEPTED
        if key in ("escape", "ctrl+c", "ctrl+g") or (key == "backspace" and not self.text):
            self.close()
            return KeyEffect.CANCELLED
        edit = _EDITS.get(key)
        if edit is not None:
            edit(self)
            if key != "tab":
                self._offered = []
            return KeyEffect.EDITED
        if character and character.isprintable():
            return self.insert(character)
        return KeyEffect.EDITED

    def _remember(self) -> None:
        past = self._history.setdefault(self.sign, [])
        if self.text and (not past or past[-1] != self.text):
            past.append(self.text)
            del past[:-HISTORY]

    def _backspace(self) -> None:
        self.text, self.at = self.text[: max(0, self.at - 1)] + self.text[self.at :], max(0, self.at - 1)

    def _delete(self) -> None:
        self.text = self.text[: self.at] + self.text[self.at + 1 :]

    def _to(self, at: int) -> None:
        self.at = min(max(at, 0), len(self.text))

    def _rub_word(self) -> None:
        start = self.text[: self.at].rstrip().rfind(" ") + 1
        self.text, self.at = self.text[:start] + self.text[self.at :], start

    def _rub_line(self) -> None:
        self.text, self.at = self.text[self.at :], 0

    def _recall(self, step: int) -> None:
        past = self._history.get(self.sign, [])
        back = min(max(self._back + step, 0), len(past))
        if back == self._back:
            return
        if not self._back:
            self._draft = self.text
        self._back = back
        self.text = past[-back] if back else self._draft
        self.at = len(self.text)

    def _tab(self) -> None:
        """The next completion; as many tabs as there are offers come back to the first. A single one stands there
        from the first tab on: the second asks what could follow it."""
        if len(self._offered) < 2:
            self._offered = list(self._complete(self.text))
        if self._offered:
            self.text = self._offered.pop(0)
            self._offered.append(self.text)
            self.at = len(self.text)


_EDITS: dict[str, Callable[[Prompt], None]] = {
    "backspace": Prompt._backspace,
    "ctrl+h": Prompt._backspace,
    "delete": Prompt._delete,
    "left": lambda p: p._to(p.at - 1),
    "right": lambda p: p._to(p.at + 1),
    "home": lambda p: p._to(0),
    "ctrl+a": lambda p: p._to(0),
    "end": lambda p: p._to(len(p.text)),
    "ctrl+e": lambda p: p._to(len(p.text)),
    "ctrl+w": Prompt._rub_word,
    "ctrl+u": Prompt._rub_line,
    "up": lambda p: p._recall(1),
    "ctrl+p": lambda p: p._recall(1),
    "down": lambda p: p._recall(-1),
    "ctrl+n": lambda p: p._recall(-1),
    "tab": Prompt._tab,
    "ctrl+i": Prompt._tab,
}
