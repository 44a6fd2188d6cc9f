"""Edits that are not saved yet, as a small file beside the run, so that no end of the process loses them.

The file says of each Gaussian whose it is and how it is marked, what is known of each object, and of which content of
the run's files it speaks: to any other it means nothing. Arrays are packed with zlib and written as base64, object ids
as int32 of least significant byte first, marks as bits of which the first row's is the most significant of its byte.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.digest import sha256
from gsseg.files.json_file import MOST_BYTES, parse_json, read_text
from gsseg.files.whole import whole_file
from gsseg.run import Marks, Run
from gsseg.segmentation import NO_OBJECT, ObjectInfo
from gsseg_viewer.edits import one_line
from gsseg_viewer.latest import Latest
from gsseg_viewer.state import ObjectState

FORMAT, VERSION = "gsseg viewer edits", 1
LISTED = 5
"""Titles of edits that the file holds, the last ones."""


@dataclass(frozen=True, eq=False)
class Unsaved:
    """What a run was edited to."""

    object_ids: Int32[ndarray, " gaussians"]
    """Object of each Gaussian, `NO_OBJECT` = none."""
    marks: Marks
    """What is hidden or deleted."""
    objects: dict[int, ObjectState]
    """Every object that has a Gaussian, by id."""
    next_id: int
    """The id that the next new object takes."""
    edits: int
    """How many there were."""
    titles: list[str]
    """What the last of them did."""
    time: str
    """When the last was made."""

    @property
    def notice(self) -> str:
        """What a person is told who finds them again."""
        last = f", the last: {self.titles[-1]}" if self.titles else ""
        return f"{self.edits} edits of {self.time} had not been saved{last}"


def base_of(object_ids: Int32[ndarray, " gaussians"], marks: Marks, objects: list[ObjectInfo]) -> str:
    """Tells one content of a run's files from another."""
    bits = b"".join(np.packbits(mark).tobytes() for mark in (marks.hidden, marks.aside, marks.deleted))
    table = json.dumps([(row.id, row.name, row.gaussians, row.color, row.edited) for row in objects])
    return sha256(np.frombuffer(sha256(object_ids).encode() + bits + table.encode(), np.uint8))


def unsaved_json(unsaved: Unsaved, base: str) -> str:
    """The text of the file."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "base": base,
        "time": unsaved.time,
        "edits": unsaved.edits,
        "titles": unsaved.titles[-LISTED:],
        "next_id": unsaved.next_id,
        "object_ids": _packed(unsaved.object_ids.astype("<i4").tobytes()),
        "marks": {name: _packed(np.packbits(mark).tobytes()) for name, mark in asdict(unsaved.marks).items()},
        "objects": {str(each): asdict(info) for each, info in unsaved.objects.items()},
    }
    return json.dumps(content, ensure_ascii=False)


def unsaved_from_json(text: str, base: str, gaussians: int, rows: int) -> Unsaved | None:
    """What `unsaved_json` wrote of this base, None where it is of another; ValueError for anything else.

    ``rows``: of the table of objects on disk, where an object may come from.
    """
    content = parse_json(text)
    try:
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"it is {content['format']} {content['version']}, not {FORMAT} {VERSION}")
        if content["base"] != base:
            return None
        ids = np.frombuffer(_unpacked(content["object_ids"], 4 * gaussians), "<i4").astype(np.int32)
        size = (gaussians + 7) // 8
        packed = (_unpacked(content["marks"][name], size) for name in ("hidden", "aside", "deleted"))
        bits = (np.unpackbits(np.frombuffer(each, np.uint8), count=gaussians) for each in packed)
        hidden, aside, deleted = (each.astype(bool) for each in bits)
        known = {int(each): _object(row, rows) for each, row in content["objects"].items()}
        there = set(np.unique(ids).tolist()) - {NO_OBJECT}
        next_id, edits, titles = content["next_id"], content["edits"], content["titles"]
        _require(min(there, default=0) >= 0 and there <= known.keys(), "an object is not described")
        _require(type(next_id) is int and max(rows - 1, *there, -1) < next_id < 1 << 31, "its next id is taken")
        _require(type(edits) is int and isinstance(titles, list) and isinstance(content["time"], str), "it is damaged")
        return Unsaved(
            ids, Marks(hidden & ~deleted, aside & ~deleted, deleted), {each: known[each] for each in sorted(there)},
            next_id, edits, [one_line(str(each)) for each in titles], one_line(content["time"])[:40],
        )  # fmt: skip
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except (TypeError, AttributeError) as error:
        raise ValueError("it is no list of edits") from error


def find_unsaved(run: Run, base: str) -> Unsaved | str | None:
    """Edits of a run that were not saved: the edits, or why they cannot be had, or None where there are none."""
    path = run.source.unsaved_path
    if path is None or not path.is_file():
        return None
    try:
        found = unsaved_from_json(read_text(path, MOST_BYTES), base, len(run.object_ids), len(run.objects))
    except (ValueError, InputError) as error:
        return f"{path} holds edits that were not saved and cannot be read: {error}"
    return found or f"{path} holds edits that were not saved, of another version of this run: they are left out"


class Keeper:
    """Keeps the edits of a document on disk as long as they are not saved."""

    def __init__(
        self, read: Callable[[], tuple[Run, Unsaved | None, str]], tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """``read``: the run, what it was edited to where that is not saved, and the base; ``tell`` is told once where
        the file cannot be written."""
        self._read, self._tell = read, tell
        self._latest = Latest()
        self.problem = ""
        """Why the last edits are not kept; empty where they are."""

    def keep(self) -> None:
        """Writes the newest edits soon, or removes the file where all are saved."""
        self._latest.do(self._write)

    def wait(self) -> None:
        """Until that is done."""
        self._latest.wait()

    def _write(self) -> None:
        run, unsaved, base = self._read()
        path, before = run.source.unsaved_path, self.problem
        if path is None:
            return
        try:
            if unsaved is None:
                path.unlink(missing_ok=True)
            else:
                with whole_file(path) as beside:
                    beside.write_text(unsaved_json(unsaved, base), encoding="utf-8")
            self.problem = ""
        except (InputError, OSError) as error:
            self.problem = str(error)
        if self.problem and not before:
            self._tell(self.problem)


def now() -> str:
    """The time, as people write it."""
    return datetime.now().strftime("%Y-%m-%d %H:%M")


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 1)).decode("ascii")


def _unpacked(text: Any, size: int) -> bytes:
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(base64.b64decode(text, validate=True), size + 1)  # no more, whatever it promises
    except (binascii.Error, ValueError, zlib.error) as error:
        raise ValueError(f"an array cannot be read ({error})") from error
    _require(len(content) == size and reader.eof, "an array has another length")
    return content


def _object(row: Any, rows: int) -> ObjectState:
    name, views, agreement, source = row["name"], row["views"], row["agreement"], row["source"]
    sure = row.get("name_confidence")  # an earlier gsseg did not write it
    red, green, blue = row["color"]
    _require(isinstance(name, str), f"{name!r} is no name")
    _require(all(type(part) is int and 0 <= part <= 255 for part in (red, green, blue)), "a color is none")
    _require(type(views) is int and views >= 0 and isinstance(row["edited"], bool), "an object is damaged")
    _require(isinstance(agreement, int | float) and 0 <= agreement <= 1, f"{agreement!r} is no agreement")
    _require(source is None or (type(source) is int and 0 <= source < rows), f"{source!r} is no row of the table")
    known = isinstance(sure, int | float) and not isinstance(sure, bool) and 0 <= sure <= 1
    _require(sure is None or known, f"{sure!r} is no confidence of a name")
    return ObjectState(
        name, (red, green, blue), views, float(agreement), source, row["edited"], None if sure is None else float(sure)
    )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
