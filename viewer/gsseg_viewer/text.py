"""Words and numbers for people; and the one place where text that somebody else wrote is made harmless."""

import math
from collections.abc import Iterable
from typing import Final

_HARMFUL: Final = frozenset("\\`*_{}[]()<>#+-.!|~&\"'/:=@^$%")


def escaped(text: str) -> str:
    """The text as html and as markdown that show it letter by letter, on one line.

    viser passes both on as they are. Whatever means something in either is written as a character reference, which
    html and markdown read as that letter and never as markup; bidirectional controls and other invisible letters are
    left out, because they can make a name look like another.
    """
    shown = (" " if letter.isspace() else letter for letter in text)
    letters = (f"&#{ord(letter)};" if letter in _HARMFUL else letter for letter in shown if letter.isprintable())
    return " ".join("".join(letters).split())


def exact(text: str) -> str:
    """The text as html that shows every letter and every space of it, to be copied; for what nobody else can choose."""
    return "".join(each if each.isascii() and (each.isalnum() or each == " ") else f"&#{ord(each)};" for each in text)


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def plural(number: int, singular: str, plural: str | None = None) -> str:
    """``1 object``, ``12,345 Gaussians``; ``plural`` where an s does not do."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def length(value: float) -> str:
    """A length in scene units with three significant digits and no exponent where that is short: ``0.0123``, ``1,230``.

    Scenes have no known unit, so none is named.
    """
    if not math.isfinite(value):
        return "?"
    if value == 0.0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if not -5 <= magnitude < 9:
        return f"{value:.2e}"
    rounded = round(value, 2 - magnitude)
    return f"{rounded:,.{max(0, 2 - magnitude)}f}".rstrip("0").rstrip(".") if magnitude < 2 else f"{rounded:,.0f}"


def extent(low: Iterable[float], high: Iterable[float]) -> str:
    """The size of a box between two corners, scene units: ``1.2 by 0.8 by 0.75``, with the multiplication sign."""
    return " \u00d7 ".join(length(float(b) - float(a)) for a, b in zip(low, high, strict=True))
