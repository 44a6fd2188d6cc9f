"""The classes that objects are named by: ``chair``, ``chair 2`` and ``chair 3`` are of the class ``chair``.

A class is no column of a file: it is what a name says before its number, so whatever reads names knows it. The list of
classes, from a file or typed, gives each a colour and the first `MOST` a key.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.json_file import read_text
from gsseg.segmentation.describe import default_colors, default_name
from gsseg_viewer.edits import NAME_LENGTH, one_line
from gsseg_viewer.state import State

KEYS = tuple("1234567890") + tuple(f"shift+{digit}" for digit in "1234567890")
"""Of the first classes, in their order."""

MOST = 500
"""Classes at most: more is no list to name by."""

_LARGEST = 1 << 20
"""Bytes of a file of classes."""

_NUMBER = re.compile(r" \d+$")
_COLOR = re.compile(r"\s+#([0-9a-fA-F]{6})$")


@dataclass(frozen=True)
class ObjectClass:
    """What objects can be called."""

    name: str
    """Without a number."""
    color: tuple[int, int, int]
    """Display colour, 0..255."""


def read_classes(path: Path) -> tuple[ObjectClass, ...]:
    """The classes of a text file: one name a line, perhaps a colour after it (``chair #c08040``); empty lines and those
    that begin with # say nothing. InputError, naming the line, for what is no such file."""
    names: list[str] = []
    colors: dict[int, tuple[int, int, int]] = {}
    try:
        lines = read_text(path, _LARGEST).splitlines()
    except ValueError as error:
        raise InputError(path, f"is no list of classes ({error})", "write one name a line, as UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        color = _COLOR.search(line)
        name = one_line(_COLOR.sub("", line))
        if not 0 < len(name) <= NAME_LENGTH - 5 or base_of(name) != name:
            problem = f"has {name[:40]!r} on line {number}, which is no name of a class"
            raise InputError(path, problem, f"write one a line, without a number, of at most {NAME_LENGTH - 5} letters")
        if name.casefold() in (each.casefold() for each in names):
            raise InputError(path, f"has {name!r} twice, again on line {number}", "write each class once")
        if color is not None:
            red, green, blue = bytes.fromhex(color[1])
            colors[len(names)] = red, green, blue
        names.append(name)
    if not 0 < len(names) <= MOST:
        raise InputError(path, f"has {len(names)} classes", f"write 1 to {MOST} of them, one a line")
    own = _colored(names)
    return tuple(ObjectClass(each.name, colors.get(k, each.color)) for k, each in enumerate(own))


def classes_in(names: Iterable[str]) -> tuple[ObjectClass, ...]:
    """The classes that names are of, the commonest first: what a scene that was named before is named by."""
    counts = Counter(base_of(name) for name in names)
    return _colored([name for name, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST]])


def with_class(classes: tuple[ObjectClass, ...], name: str) -> tuple[ObjectClass, ...]:
    """The classes and that of a name; the same ones where it is among them or they are full."""
    if class_of(name, classes) is not None or len(classes) >= MOST:
        return classes
    return *classes, _colored([*(each.name for each in classes), base_of(name)])[-1]


def class_of(name: str, classes: Sequence[ObjectClass]) -> int | None:
    """Place of the class of a name; None where it is of none of these."""
    base = base_of(name).casefold()
    return next((k for k, each in enumerate(classes) if each.name.casefold() == base), None)


def base_of(name: str) -> str:
    """A name without the number at its end; one that is a number only stays."""
    return _NUMBER.sub("", name)


def is_named(object_id: int, name: str) -> bool:
    """Whether somebody has called an object something else than training did."""
    return name != default_name(object_id)


def names_of_class(state: State, ids: Sequence[int], base: str) -> dict[int, str]:
    """New names of objects: the class, with the first free number where another object has it; those that have such a
    name already are left out."""
    living = {each: info.name for each, info in state.objects.items() if each not in state.deleted_objects}
    renamed = [each for each in ids if base_of(living[each]).casefold() != base.casefold()]
    taken = {name.casefold() for each, name in living.items() if each not in renamed}
    found = {}
    for each in renamed:
        number = 1
        while (name := base if number == 1 else f"{base} {number}").casefold() in taken:
            number += 1
        taken.add(name.casefold())
        found[each] = name
    return found


def _colored(names: Sequence[str]) -> tuple[ObjectClass, ...]:
    colors = default_colors(len(names))
    return tuple(ObjectClass(name, (int(r), int(g), int(b))) for name, (r, g, b) in zip(names, colors, strict=True))
