"""What all commands are: a frozen dataclass whose fields are its options, parsed by tyro."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from inspect import getdoc
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from gsseg.cli.output import Output
from gsseg.cli.wrong_options import in_one_line
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
    def reads(self) -> Path | None:
        """The first path it is given, what it works on: named where an error does not say which file failed."""
        return next((value for value in vars(self).values() if isinstance(value, Path)), None)

    @property
    def writes(self) -> Path | None:
        """The folder it writes to: named where a disk error does not say which file failed."""
        return None

    @property
    def resumes_with(self) -> list[str] | None:
        """Options to add to the same command line to go on after an interrupt; None: there is nothing to go on with."""
        return None


Parsed = TypeVar("Parsed", bound=Command)
Known = TypeVar("Known")


def parse_command(
    name: str, command: type[Parsed], args: list[str], short: Mapping[str, str] | None = None, **defaults: object
) -> Parsed:
    """Parses arguments into ``command``, some of whose fields may be given other ``defaults``.

    Raises `InputError` where they are wrong, and SystemExit(0) after ``--help``. ``short``: as `in_one_line` takes it.
    """
    # tyro sees the signature of the partial, in which a default that is made for each object has no value.
    fresh = {each.name: each.default_factory() for each in fields(command) if each.default_factory is not MISSING}
    made = partial(command, **{**fresh, **defaults})
    prog, plain_flags = f"gsseg {name}", (tyro.conf.FlagCreatePairsOff,)
    return in_one_line(
        prog,
        args,
        lambda args: tyro.cli(made, prog=prog, description=getdoc(command), args=args, config=plain_flags),
        short,
    )


def parse_known(name: str, options: type[Known], args: list[str]) -> Known:
    """Parses the few options that decide what the others mean, wherever they are among the arguments."""
    prog = f"gsseg {name}"
    parse = partial(tyro.cli, options, prog=prog, add_help=False, return_unknown_args=True)
    return in_one_line(prog, args, lambda args: parse(args=args))[0]


def at_least(option: str, value: int | None, least: int) -> None:
    """Raises `InputError` where a number on the command line is too small."""
    if value is not None and value < least:
        raise InputError(option, f"is {value}, must be at least {least}", "give a larger number")
