"""The one error that means "your input is wrong", told apart from a bug by its type."""

from pathlib import Path


class InputError(Exception):
    """What the user gave cannot be used; the message is one line: FILE: what is wrong; what to do.

    The command line prints it after ``gsseg: error:`` and ends with status 2.
    """

    def __init__(self, path: Path | str, problem: str, remedy: str = "") -> None:
        self.path = str(path)
        self.problem = problem
        self.remedy = remedy
        line = f"{self.path}: {problem}" + (f"; {remedy}" if remedy else "")
        super().__init__(" ".join(line.split()))
