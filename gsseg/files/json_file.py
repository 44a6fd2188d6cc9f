"""JSON from files: parsed within bounds, so that whoever walks through the result meets nothing absurd.

Python's parser alone lets in whole numbers of any length, which overflow wherever they become floats; nesting that
ends in a RecursionError, here or in whoever prints the value; and halves of surrogate pairs, which no file name, log
or terminal takes.
"""

import json
from pathlib import Path
from typing import Any

from gsseg.errors import InputError
from gsseg.files.reading import check_readable, reading

MOST_BYTES = 1 << 25
"""Of a file: poses of fifty thousand frames take less."""
DEEPEST = 32
"""Lists and objects inside one another; no format that is read has more than six."""
MOST_DIGITS = 19
"""Of a whole number: what 64 bits hold."""


def parse_json(text: str, odd_paths: bool = False) -> Any:
    """The value of a JSON text (NaN and Infinity are allowed).

    ValueError where it is none, is nested deeper than `DEEPEST`, has a whole number of more than `MOST_DIGITS` digits
    or a text that is no Unicode, but for paths as `check_plain` has it.
    """
    try:
        value = json.loads(text, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    check_plain(value, odd_paths)
    return value


def check_plain(value: object, odd_paths: bool = False) -> None:
    """ValueError where lists and dictionaries are nested deeper than `DEEPEST`, or a text in them is no Unicode.

    ``odd_paths``: but for the bytes of paths that are no UTF-8, as Python writes them.
    """
    errors = "surrogateescape" if odd_paths else "strict"
    level = [value]
    for _ in range(DEEPEST + 1):
        inside: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inside += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                inside += each
            elif isinstance(each, str) and not each.isascii():
                each.encode("utf-8", errors)  # UnicodeEncodeError, a ValueError, for half of a surrogate pair
        if not inside:
            return
        level = inside
    raise ValueError("it is nested too deeply")


def read_json(path: Path, remedy: str, odd_paths: bool = False) -> Any:
    """The value in a JSON file, read as `parse_json` does; `InputError` with ``remedy`` where there is none."""
    check_readable(path)
    try:
        return parse_json(read_text(path, MOST_BYTES), odd_paths)
    except ValueError as error:  # the parser's own errors and those of the text's encoding
        raise InputError(path, f"is not valid JSON ({error})", remedy) from error


def read_json_object(path: Path, remedy: str, odd_paths: bool = False) -> dict[str, Any]:
    """The same where it has to be an object: what stands in braces."""
    value = read_json(path, remedy, odd_paths)
    if not isinstance(value, dict):
        raise InputError(path, "is JSON, but no object in braces", remedy)
    return value


def read_text(path: Path, most: int) -> str:
    """The UTF-8 text of a file; ValueError where it has more than ``most`` bytes or is no UTF-8.

    `InputError` where it cannot be read.
    """
    with reading(path), path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most} bytes")
    return content.decode("utf-8-sig")


def _whole_number(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)
