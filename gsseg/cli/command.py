"""What all commands are: a frozen dataclass whose fields are its options, parsed by tyro."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import partial
from inspect import getdoc
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from gsseg.cli.output import Output
from gsseg.errors import InputError

ScenePath = Annotated[Path, tyro.conf.arg(aliases=["-s"], metavar="SCENE")]
RunPath = Annotated[Path, tyro.conf.arg(aliases=["-m"], metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """One command with its options; the class docstring is its help."""

    output: Annotated[Output, tyro.conf.arg(name="")] = field(default_factory=Output)

    @abstractmethod
    def execute(self) -> None:
        """Does the job. Raises `InputError` where the user's input is at fault."""

    @property
    def writes(self) -> Path | None:
        """The folder it writes to: named where a disk error does not say which file failed."""
        return None

    @property
    def resumes_with(self) -> list[str] | None:
        """Options to add to the same command line to go on after an interrupt; None: there is nothing to go on with."""
        return None


Parsed = TypeVar("Parsed", bound=Command)


def parse_command(name: str, command: type[Parsed], args: list[str], **defaults: object) -> Parsed:
    """Parses arguments into ``command``, some of whose fields may be given other ``defaults``.

    Raises SystemExit(2), after saying why on stderr, where they are wrong, and SystemExit(0) after ``--help``.
    """
    made = partial(command, **{"output": Output(), **defaults})
    plain_flags = (tyro.conf.FlagCreatePairsOff,)
    return tyro.cli(made, prog=f"gsseg {name}", description=getdoc(command), args=args, config=plain_flags)


def at_least(option: str, value: int | None, least: int) -> None:
    """Raises `InputError` where a number on the command line is too small."""
    if value is not None and value < least:
        raise InputError(option, f"is {value}, must be at least {least}", "give a larger number")
