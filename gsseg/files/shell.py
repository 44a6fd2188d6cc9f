"""Command lines to be copied into a shell, whatever bytes the paths in them are of."""

import os
import shlex
from collections.abc import Iterable


def command_line(words: Iterable[str]) -> str:
    """The words as a shell reads them, in letters that every terminal and browser shows.

    Like `shlex.join`; but a word with bytes that are no UTF-8, or with letters that move a cursor, is written as
    ``$'...'`` with its bytes in hexadecimal, which bash, zsh and ksh know.
    """
    return " ".join(shlex.quote(word) if word.isprintable() else _in_bytes(word) for word in words)


def _in_bytes(word: str) -> str:
    letters = (chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(letters)}'"
