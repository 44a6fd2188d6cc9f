"""A guide leads a person through many small decisions by keys: naming objects, judging borders, choosing a split.

One at a time is there for a browser. It has the first word on every key; what it does not know goes on to the commands,
so that undo, hiding and the rest work meanwhile. What it says stands in the bar at the foot of the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Choice:
    """A key, and a button for those who use the mouse."""

    key: str
    """As `gsseg_viewer.commands.Command.keys` writes it: ``M``, ``Shift+1``, ``Enter``."""
    label: str
    """What it does, in a few words; as people typed it where it is a name."""
    color: tuple[int, int, int] | None = None
    """Of what it stands for, 0..255."""
    on: bool = False
    """Whether it is what is shown now."""


@dataclass(frozen=True)
class Saying:
    """What the bar shows."""

    title: str
    """What is going on: ``Naming``."""
    step: str
    """How far it is: ``12 of 62 named``."""
    lines: Sequence[str]
    """What there is to decide; plain text, names as people typed them."""
    choices: Sequence[Choice]
    """What can be done, in the order of the buttons."""
    things: Sequence[tuple[int, tuple[int, int, int]]] = ()
    """Objects that it is about, each with the colour that it has on the screen."""
    asks: str = ""
    """What can be typed, or nothing."""


class Guide(Protocol):
    """One of them; called from the session's queue."""

    def saying(self) -> Saying | None:
        """What to show of the document as it is now; None where there is nothing left to decide."""
        ...

    def press(self, key: str) -> bool:
        """Does what a key stands for; False where it is none of this guide's."""
        ...

    def typed(self, text: str) -> None:
        """Takes what was typed, where it asks for something."""
        ...

    def end(self) -> None:
        """Takes away what it has shown."""
        ...
