"""What is wrong with a command line, in one line.

tyro prints a box of several lines and ends the process. Its objects behind the box are private, so the text is read,
drawn so wide that nothing is wrapped. A box of a kind that is not known here becomes one line too: its first paragraph.
"""

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from typing import TypeVar

from gsseg.errors import InputError

Parsed = TypeVar("Parsed")

_STYLE = re.compile(r"\x1b\[[0-9;]*m|\[/?bold\]")
_CHOICE = re.compile(r"invalid choice '(.*)' for argument '(.+?)'\. Expected one of \((.*)\)\.")
_COUNT = re.compile(r"Missing value for argument '(.+?)'\. Expected (.+?) values?\.")
_VALUE = re.compile(r"Error parsing (\S+): (.*)")
_UNKNOWN, _POSITIONAL = "Unrecognized options:", re.compile(r"Missing value for argument '[^-]")
_FIELD = re.compile(r"(\w+): (.*)")

PLAINER = (
    (re.compile(r"invalid literal for int\(\) with base 10: (.*)"), r"\1 is no whole number"),
    (re.compile(r"could not convert string to float: (.*)"), r"\1 is no number"),
    (re.compile(r"no type matching .* could be instantiated from \[(.*?)\]\..*"), r"cannot be made of \1"),
    (re.compile(r"Could not find valid parse for arguments: \[(.*)\]"), r"cannot be made of \1"),
)
"""What Python and tyro say of a value, and what is meant."""


def in_one_line(
    prog: str, args: Sequence[str], parse: Callable[[Sequence[str]], Parsed], short: Mapping[str, str] | None = None
) -> Parsed:
    """What ``parse``, a call of `tyro.cli`, makes of ``args``; where it refuses them, the reason as `InputError`.

    ``prog``: the command, to point at its help. ``short``: options of settings that are not called by their place in
    the configuration, as in ``{"config.seed": "--seed"}``.
    """
    try:
        with redirect_stderr(io.StringIO()):
            return parse(args)
    except SystemExit as stop:
        if not stop.code:  # after --help
            raise
    box = _box(parse, args)
    if _POSITIONAL.search(box):
        # tyro looks for it before it looks at options. One that is unknown says more of what the user meant.
        with_it = _box(parse, ["-", *args])
        box = with_it if _UNKNOWN in with_it else box
    raise _reason(prog, args, box, short or {})


def _box(parse: Callable[[Sequence[str]], object], args: Sequence[str]) -> str:
    """What tyro prints of arguments that it refuses; nothing where it takes them."""
    said = io.StringIO()
    with suppress(SystemExit), _wide_terminal(), redirect_stderr(said):
        parse(args)
    return said.getvalue()


@contextmanager
def _wide_terminal() -> Iterator[None]:
    """Inside the block `shutil.get_terminal_size`, which tyro asks, tells of a line that holds any message."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "1000000"
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def _reason(prog: str, args: Sequence[str], box: str, short: Mapping[str, str]) -> InputError:
    title, paragraphs = _read_box(box)
    first, help_ = paragraphs[0], f"see {prog} --help"
    text = " ".join(line.strip() for line in first)
    unknown = [part for part in paragraphs if part[0].startswith(_UNKNOWN)]
    if unknown:
        return _unknown(prog, args, unknown[0], paragraphs)
    if title == "Required options":
        missing = [line.strip().split(", ")[0] for line in first if _indent(line) == 4]
        return InputError(" and ".join(missing), "missing", help_)
    if found := _CHOICE.match(text):
        choices = found[3].replace("'", "").rstrip(",")
        return InputError(found[2], f"is {found[1]!r}, must be one of {choices}", help_)
    if found := _COUNT.match(text):
        if not found[1].startswith("-"):
            return InputError(found[1].upper(), "missing", help_)
        return InputError(found[1], f"lacks a value, takes {found[2]}", help_)
    if found := _VALUE.match(text):
        return _bad_value(found[1], found[2], paragraphs, short, help_)
    return InputError(prog, text or title, help_)


def _unknown(prog: str, args: Sequence[str], tokens: list[str], paragraphs: list[list[str]]) -> InputError:
    """Options are named alone; the words after them are unknown only because they are."""
    words = [word for line in tokens for word in line.removeprefix(_UNKNOWN).strip().split(", ") if word]
    for flag in (arg.removesuffix(f"={words[0]}") for arg in args if arg.startswith("--")):
        if f"{flag}={words[0]}" in args:
            return InputError(flag, f"takes no value, is given {words[0]!r}", f"see {prog} --help")
    named = [word for word in words if word.startswith("-")] or words
    alike = [part[1].strip().split()[0] for part in paragraphs if part[0].startswith("Perhaps you meant")]
    hint = f"did you mean {alike[0].rstrip(',')}? " if alike else ""
    return InputError(", ".join(named), f"no option of {prog}", f"{hint}see {prog} --help")


def _bad_value(
    option: str, problem: str, paragraphs: list[list[str]], short: Mapping[str, str], help_: str
) -> InputError:
    usage = [part[1].strip() for part in paragraphs if part[0].startswith("Argument helptext") and len(part) > 1]
    if usage:
        for pattern, plainer in PLAINER:
            problem = pattern.sub(plainer, problem)
        return InputError(option, problem, f"give {usage[0].split(', ')[-1]}, {help_}")
    # A configuration has refused a field of its own: `gsseg.validation` writes FIELD: what is wrong.
    if found := _FIELD.match(problem):
        field = f"{option}.{found[1]}"
        return InputError(short.get(field, f"--{field}".replace("_", "-")), found[2], help_)
    return InputError(f"--{option}".replace("_", "-"), problem, help_)


def _read_box(box: str) -> tuple[str, list[list[str]]]:
    """Title and paragraphs of a box, without its frame."""
    lines = [_STYLE.sub("", line).strip("│╭╮╰╯").rstrip() for line in box.splitlines()]
    lines = [line for line in lines if line]
    paragraphs: list[list[str]] = [[]]
    for line in lines[1:]:
        if set(line.strip()) <= {"─"} or set(line.strip()) <= {"-"}:
            paragraphs.append([])
        else:
            paragraphs[-1].append(line)
    whole = [_dedented(part) for part in paragraphs if part]
    return (lines[0].strip("─ ") if lines else ""), whole or [[""]]


def _dedented(lines: list[str]) -> list[str]:
    margin = min(map(_indent, lines))
    return [line[margin:] for line in lines]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
