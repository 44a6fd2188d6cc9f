"""What people have judged without changing anything: which objects are locked, and which borders are right.

It is no edit and not undone, but it is work: it is kept beside the run as soon as it is said, as a small file that is
replaced as a whole, and is there again at the next start. Ids of objects never change and none is given twice, so they
mean the same until the run is trained again, which the file tells by the codes of that training.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gsseg.errors import InputError
from gsseg.files.digest import sha256
from gsseg.files.json_file import MOST_BYTES, parse_json, read_text
from gsseg.files.whole import whole_file
from gsseg.run import Run

FORMAT, VERSION = "gsseg viewer judgements", 1
MOST = 1_000_000
"""Objects or borders of one file."""

Pair = tuple[int, int]
"""Two objects that a border lies between, by id, as the border was found."""


@dataclass(frozen=True)
class Judged:
    """All of it."""

    locked: frozenset[int] = frozenset()
    """Objects that edits leave alone."""
    kept: frozenset[Pair] = frozenset()
    """Borders that a person has said are right."""


def base_of(run: Run) -> str:
    """Tells one training from another; edits change nothing of it."""
    return sha256(run.code_fine)


def judged_json(judged: Judged, base: str) -> str:
    """The text of the file."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "base": base,
        "locked": sorted(judged.locked),
        "kept": sorted(judged.kept),
    }
    return json.dumps(content)


def judged_from_json(text: str, base: str) -> Judged:
    """What `judged_json` wrote of this training, nothing where it is of another; ValueError for anything else."""
    content = parse_json(text)
    try:
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"it is {content['format']} {content['version']}, not {FORMAT} {VERSION}")
        locked, kept, known = content["locked"], content["kept"], content["base"] == base
        if not (isinstance(locked, list) and isinstance(kept, list) and max(len(locked), len(kept)) <= MOST):
            raise ValueError("it holds no lists")
        pairs = [(_id(one), _id(other)) for one, other in kept]
        judged = Judged(frozenset(map(_id, locked)), frozenset(pairs))
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except TypeError as error:
        raise ValueError("it is no list of judgements") from error
    return judged if known else Judged()


def find_judged(run: Run) -> tuple[Judged, str]:
    """What was judged of a run, and why it cannot be had where it cannot, else an empty text."""
    path = run.source.judged_path
    if path is None or not path.is_file():
        return Judged(), ""
    try:
        return judged_from_json(read_text(path, MOST_BYTES), base_of(run)), ""
    except (ValueError, InputError) as error:
        return Judged(), f"{path} holds what was locked and judged and cannot be read: {error}"


def write_judged(run: Run, judged: Judged) -> None:
    """Replaces the file, or removes it where there is nothing to say; `InputError` where that cannot be done."""
    path: Path | None = run.source.judged_path
    if path is None:
        return
    if judged != Judged():
        with whole_file(path) as beside:
            beside.write_text(judged_json(judged, base_of(run)), encoding="utf-8")
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(path, f"cannot be removed ({error.strerror})", "let this program write there") from error


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise ValueError(f"{value!r} is no id of an object")
    return value
