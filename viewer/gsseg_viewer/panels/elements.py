"""What the panels are made of: blocks of text, short labels, and handlers that trust nothing a browser sends.

viser's html is shown as it is: whatever comes from files or people goes through `escaped` first. Labels of buttons and
menus are plain text in the browser and only need to be short: `plain`.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Coroutine
from itertools import accumulate
from typing import Any
from unicodedata import east_asian_width

from gsseg_viewer.edits import EditError
from gsseg_viewer.session import Session
from gsseg_viewer.text import exact

MANY_LETTERS = 28
"""Longest name on a button."""


def block(*lines: str) -> str:
    """Lines of html as a paragraph of the panel's width."""
    style = "padding:0 0.75em 0.6em;font-size:0.875em;line-height:1.4;overflow-wrap:anywhere"
    return f'<div style="{style}">{"<br>".join(lines)}</div>'


def fixed(height: int, *lines: str) -> str:
    """The same, always so many lines high, so that what stands below it stays where it is; more of them scroll."""
    style = f"height:{1.4 * height:.1f}em;margin:0 0.75em 0.6em;overflow-y:auto"
    style += ";font-size:0.875em;line-height:1.4;overflow-wrap:anywhere"
    return f'<div style="{style}">{"<br>".join(lines)}</div>'


def unwrapped(text: str) -> str:
    """Html that stays on one line and ends in … where it is too long."""
    return f'<div style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">{text}</div>'


def dim(line: str) -> str:
    """A line of html that steps back."""
    return f'<span style="opacity:0.65">{line}</span>'


def swatch(color: tuple[int, int, int]) -> str:
    """A dot of this colour, 0..255."""
    red, green, blue = (int(part) for part in color)
    look = f"background:rgb({red},{green},{blue});width:0.8em;height:0.8em;border-radius:50%"
    return f'<span style="display:inline-block;{look}"></span>'


def code(text: str) -> str:
    """Text that one click selects whole, to be copied."""
    look = "user-select:all;white-space:pre-wrap;font-size:0.95em;padding:0.15em 0.4em"
    look += ";background:rgba(127,127,127,0.18);border-radius:3px"
    return f'<code style="{look}">{exact(text)}</code>'


def plain(name: str, letters: int = MANY_LETTERS) -> str:
    """A name on one line, cut where it is long, wide letters such as Chinese counting twice; not for html."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    ends = list(accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in name))
    return name if not ends or ends[-1] <= letters else name[: bisect_right(ends, letters - 1)] + "…"


def size(number: int) -> str:
    """Bytes, as people say them."""
    for unit, step in (("GB", 1e9), ("MB", 1e6)):
        if number >= step:
            return f"{number / step:.{number < 10 * step:d}f} {unit}"
    return f"{number / 1e3:.{number < 1e4:d}f} kB"


def handler(session: Session, action: Callable[[Any], object]) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """``action`` of a widget's value, for viser to call: queued behind the clicks and keys that came before it.

    Changes that the server itself makes to a widget come without a client and are not acted on.
    """

    async def run(event: Any) -> None:  # on viser's event loop, which keeps the order
        value = event.target.value
        if event.client is not None:
            session.enqueue(lambda: action(value))

    return run


def slow_handler(session: Session, action: Callable[[Any], object]) -> Callable[[Any], None]:
    """The same for what may take seconds: on viser's own thread, so that clicks go on working. One at a time."""
    busy = threading.Lock()

    def run(event: Any) -> None:
        if event.client is None:
            return
        if not busy.acquire(blocking=False):
            session.tell("Still busy", "The last one of these is not done yet.", color="yellow")
            return
        try:
            session.attempt(lambda: action(event.target.value))
        finally:
            busy.release()

    return run


def chosen(value: object, options: tuple[str, ...], what: str) -> str:
    """The value where it is one of the options; `EditError` for anything else that a browser may send."""
    if not isinstance(value, str) or value not in options:
        raise EditError(f"there is no such {what} any more")
    return value
