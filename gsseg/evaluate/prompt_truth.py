"""The truth of texts: in each of some held-out views, the pixels that each text means.

prompts.json      [{"view": "frame_00041", "prompt": "red apple", "mask": "prompts/frame_00041/0.png"}, ...]
prompts/...png    255 where the text is meant, 0 elsewhere
test_views.json   names of the views
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files.json_file import read_json
from gsseg.io.label_png import read_label_png
from gsseg.io.numbers import brief

LIST, TEST_VIEWS = "prompts.json", "test_views.json"
_MEND = 'write [{"view": "frame_00041", "prompt": "red apple", "mask": "prompts/frame_00041/0.png"}]'
_MAKE = "make it: gsseg prepare lerf RAW OUT"


@dataclass(frozen=True)
class Query:
    """One text in one view."""

    view: str
    """The view's name."""
    prompt: str
    """The text."""
    mask: Path
    """Picture of the pixels that it means."""

    def read(self) -> Bool[ndarray, "height width"]:
        """Its pixels; `InputError` where the picture is damaged or shows none."""
        pixels = read_label_png(self.mask) > 0
        if not pixels.any():
            raise InputError(self.mask, "marks no pixel", "leave the text out where it means nothing")
        return pixels


def read_queries(path: Path) -> list[Query]:
    """The texts and views of a folder of truth, in its order; `InputError` where it holds none or a damaged list."""
    file = path / LIST
    if not file.is_file():
        raise InputError(path, f"holds no truth of texts ({LIST})", _MAKE)
    rows = read_json(file, _MEND)
    if not isinstance(rows, list) or not rows:
        raise InputError(file, "is no list of texts in views", _MEND)
    queries = []
    for number, row in enumerate(rows):
        values = [row.get(key) for key in ("view", "prompt", "mask")] if isinstance(row, dict) else []
        texts = [value for value in values if isinstance(value, str) and value.strip()]
        if len(texts) != 3:
            raise InputError(file, f"its entry {number} is {brief(row)}", _MEND)
        view, prompt, mask = texts
        if Path(mask).is_absolute() or ".." in Path(mask).parts or "\0" in mask:
            raise InputError(file, f"its entry {number} names {brief(mask)}, a file elsewhere", _MEND)
        queries.append(Query(view, prompt, path / mask))
    if len({(each.view, each.prompt) for each in queries}) < len(queries):
        raise InputError(file, "asks one text of one view twice", "keep one of the two")
    return queries


def write_queries(path: Path, found: Iterable[tuple[str, str, Bool[ndarray, "height width"]]]) -> list[Query]:
    """Writes (view, text, pixels) into the folder ``path``, one at a time, and the list of them."""
    queries: list[Query] = []
    counts: dict[str, int] = {}
    for view, prompt, pixels in found:
        number = counts[view] = counts.get(view, -1) + 1
        mask = path / "prompts" / view / f"{number}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(pixels, np.uint8(255), np.uint8(0))).save(mask)
        queries.append(Query(view, prompt, mask))
    rows = [
        {"view": each.view, "prompt": each.prompt, "mask": each.mask.relative_to(path).as_posix()} for each in queries
    ]
    (path / LIST).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (path / TEST_VIEWS).write_text(json.dumps(sorted(counts)), encoding="utf-8")
    return queries
