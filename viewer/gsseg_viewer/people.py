"""Who looks at a document: names that people type, a colour each, and what each of them has selected."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from gsseg_viewer.document import Document
from gsseg_viewer.edits import EditError, one_line

LETTERS = 24
"""Of a name."""

COLORS = (0xE8590C, 0x1971C2, 0x2F9E44, 0x9C36B5, 0xE03131, 0x0C8599, 0xF08C00, 0x6741D9)
"""Red, green and blue as one number; people take turns where there are more of them."""

MARKED = 1000
"""Selected objects that are shown to others."""


@dataclass(frozen=True)
class Person:
    """One browser."""

    number: int
    """From 1, the first that was free."""
    name: str
    """As it was typed, on one line."""
    selected: tuple[int, ...] = ()
    """Objects, ascending."""

    @property
    def color(self) -> int:
        """Of this person's chip and marks."""
        return COLORS[(self.number - 1) % len(COLORS)]


class People:
    """All who look at one document; may be used from any thread."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._lock = threading.Lock()
        self._people: dict[int, Person] = {}
        self._listeners: dict[int, Callable[[], object]] = {}

    @classmethod
    def of(cls, document: Document) -> "People":
        """Those of a document."""
        with _LOCK:
            return _PEOPLE.setdefault(document, cls())

    def enter(self, client: int, listener: Callable[[], object]) -> None:
        """Somebody has come; ``listener`` is called when others come, go, or change."""
        with self._lock:
            taken = {each.number for each in self._people.values()}
            number = next(each for each in range(1, len(taken) + 2) if each not in taken)
            self._people[client] = Person(number, f"guest {number}")
            self._listeners[client] = listener
        self._tell(client)

    def leave(self, client: int) -> None:
        """Somebody has gone."""
        with self._lock:
            self._listeners.pop(client, None)
            gone = self._people.pop(client, None)
        if gone is not None:
            self._tell(client)

    def call(self, client: int, typed: str) -> None:
        """Gives somebody a name; `EditError` for one that has no letter or too many."""
        name = one_line(typed)
        if not 0 < len(name) <= LETTERS:
            raise EditError(f"a name has 1 to {LETTERS} letters")
        self._change(client, name=name)

    def look(self, client: int, selected: list[int]) -> None:
        """Takes note of what somebody has selected."""
        self._change(client, selected=tuple(selected[:MARKED]))

    def get(self, client: int | None) -> Person | None:
        """One of them; None for who is not there."""
        with self._lock:
            return None if client is None else self._people.get(client)

    def others(self, client: int) -> list[Person]:
        """All but one, in the order of their numbers."""
        with self._lock:
            there = [each for key, each in self._people.items() if key != client]
        return sorted(there, key=lambda each: each.number)

    @property
    def present(self) -> frozenset[int]:
        """Clients that are there."""
        with self._lock:
            return frozenset(self._people)

    def _change(self, client: int, **changes: object) -> None:
        with self._lock:
            before = self._people.get(client)
            if before is None:
                return
            now = self._people[client] = replace(before, **changes)  # pyright: ignore[reportArgumentType]
        if now != before:
            self._tell(client)

    def _tell(self, by: int) -> None:
        with self._lock:
            listeners = [each for client, each in self._listeners.items() if client != by]
        for each in listeners:
            each()


_PEOPLE: WeakKeyDictionary[Document, People] = WeakKeyDictionary()
_LOCK = threading.Lock()
