"""The one error that means "your input is wrong", told apart from a bug by its type."""

from pathlib import Path

LONGEST = 500
"""Letters of what is said to be wrong."""


class InputError(Exception):
    """What the user gave cannot be used; the message is one line: FILE: what is wrong; what to do.

    The command line prints it after ``gsseg: error:`` and ends with status 2. What a damaged file holds may be part of
    it: so it is cut where it gets long, and what cannot be printed is escaped.
    """

    def __init__(self, path: Path | str, problem: str, remedy: str = "") -> None:
        self.path = str(path)
        self.problem = problem
        self.remedy = remedy
        line = f"{self.path}: {_brief(problem)}" + (f"; {remedy}" if remedy else "")
        super().__init__("".join(letter if letter.isprintable() else _escaped(letter) for letter in _one_line(line)))


def _brief(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
