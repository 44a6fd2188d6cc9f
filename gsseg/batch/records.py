"""What has been done: a file beside each scene's results for every step, so that a second run does only the rest.

OUT/NAME/LABEL.json     key, state, tries, seconds, result; written before a step starts and after it has ended
OUT/NAME/LABEL.log      what the command said

A step is done where its record has the key of the same command after the same steps before: changed options do that
step and all behind it again, and nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from gsseg.batch.plan import Step
from gsseg.errors import InputError
from gsseg.files import whole_file
from gsseg.files.digest import sha256
from gsseg.files.json_file import parse_json, read_json_object

State = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class Record:
    """How a step stands."""

    key: str
    """Tells this command, after these steps, from others."""
    state: State
    """``running`` where whoever ran it never said how it ended."""
    tries: int = 0
    """How often it was begun."""
    seconds: float = 0.0
    """Of the last try."""
    error: str = ""
    """Its one line, where it failed."""
    result: dict[str, Any] = field(default_factory=dict)
    """What the command's ``--json`` said."""


def keys_of(steps: Sequence[Step]) -> list[str]:
    """The key of each step."""
    keys, before = [], ""
    for step in steps:
        before = sha256(json.dumps([before, step.label, *step.words]))
        keys.append(before[:32])
    return keys


def read_record(path: Path) -> Record | None:
    """The record in a file; None where there is none, or one that is damaged: then the step is done again."""
    if not path.is_file():
        return None
    try:
        value = read_json_object(path, "remove it")
        record = Record(**value)
        kinds = (str, str, int, (int, float), str, dict)
        sound = all(isinstance(each, kind) for each, kind in zip(value.values(), kinds, strict=True))
    except (InputError, TypeError, ValueError):
        return None
    return record if sound and record.state in get_args(State) else None


def write_record(path: Path, record: Record) -> None:
    """Whole or not at all."""
    with whole_file(path) as beside:
        beside.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def result_in(log: Path) -> dict[str, Any]:
    """The line of ``--json`` that ends what a command said; empty where there is none."""
    with log.open("rb") as stream:
        lines = [line for line in stream.read().decode("utf-8", "replace").splitlines() if line.startswith("{")]
    try:
        value = parse_json(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def error_in(log: Path) -> str:
    """The last line that a command said, which tells what is wrong; empty where it said nothing."""
    try:
        lines = log.read_bytes()[-8192:].decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    said = [" ".join(line.split()) for line in lines if line.strip()]
    return said[-1].removeprefix("gsseg: error: ")[:500] if said else ""
