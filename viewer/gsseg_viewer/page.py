"""The two html pages: the one that is served, and the one that is kept. Both are viser's client, one file with its
code packed into it, and what is ours put before that code (`web/`), so that it comes first.

Everything here holds for viser 1.1.1 (`gsseg_viewer.security.VISER`). Where something is not found that has to be
changed, that is an error and never a page that half works.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import zstandard

SCRIPTS = (
    "shader.js", "channel.js", "budget.js", "pace.js", "live.js", "forms.js", "list.js", "people.js", "guide.js",
    "tools.js", "keys.js",
)  # fmt: skip
"""Of the served page, in the order in which they run; what talks to the session comes after ``channel.js``."""
STYLES = ("live.css", "parts.css", "pace.css", "people.css", "list.css", "guide.css", "tools.css")
"""Of the served page."""

Color = tuple[int, int, int]

DARK: Color = (20, 20, 20)
LIGHT: Color = (255, 255, 255)
"""What is behind the splats on a dark page and on a light one: viser's own colours."""

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Ccircle cx='11' cy='12' r='9' fill='%23e8590c'/%3E%3Ccircle cx='22' cy='12' r='7' fill='%231971c2'/%3E"
    "%3Ccircle cx='16' cy='22' r='8' fill='%232f9e44'/%3E%3C/svg%3E"
)

_PACKED = re.compile(r'<script data-p="([^"]*)" data-ss="(\d+)" data-cs="(\d+)">')
"""viser's css and code: one zstd frame, four bytes as five letters."""

_LETTERS = bytes(letter for letter in range(0x21, 0x7F) if chr(letter) not in "\"&<>'`")

_BLOB_WORKER = re.compile(r"createObjectURL\((\w+)\),!(\w+)\)throw``;let \w+=new Worker\(\2,\{type:`module`")
_DATA_WORKER = "catch{return new Worker(`data:text/javascript;charset=utf-8,`+encodeURIComponent("
"""How viser starts a worker, and how where the first way fails; `web/kept.js` makes it fail."""


@dataclass(frozen=True)
class Listed:
    """An object in the list of a page that is kept."""

    name: str
    """As people typed it."""
    color: Color
    """0..255."""
    at: tuple[float, float, float]
    """Where its name is shown, world units."""


def served_page(page: bytes, name: str, key: str, draw_at_most: int = 0) -> bytes:
    """viser's page for the browsers of a server.

    ``name``: what the scene is called. ``key``: what a browser remembers it remembers for this key. ``draw_at_most``:
    Gaussians in a frame, 0 for all (`web/pace.js`). ValueError for what is no page of viser.
    """
    cover = f'<div id="gsseg-cover"><p>Loading {html.escape(name)} …</p></div>'
    told = {"key": key, "drawAtMost": draw_at_most}
    return _mended(page, f"{name} · gsseg", told, SCRIPTS, "\n".join(map(_web, STYLES)), cover)


def kept_page(page: bytes, title: str, objects: Sequence[Listed], dark: bool) -> bytes:
    """A page that viser made of a recording, to be opened without a server. ValueError for other pages, and where
    viser's client is not one whose splats can be sorted when it is opened from a disk."""
    code = client_code(page)
    if not _BLOB_WORKER.search(code) or code.count(_DATA_WORKER) != len(_BLOB_WORKER.findall(code)):
        raise ValueError("viser's client starts its workers in an unknown way: the page would draw in the wrong order")
    style = _web("kept.css").replace("BACKGROUND", f"rgb{DARK if dark else LIGHT}")
    listed = [asdict(each) for each in objects]
    return _mended(page, title, {"title": title, "objects": listed}, ("shader.js", "kept.js"), style, "")


def client_code(page: bytes) -> str:
    """The JavaScript of viser's client, which a page holds packed. ValueError where it is not there."""
    start, end = page.find(b'<script data-p="'), page.find(b'">', page.find(b' data-cs="'))
    found = _PACKED.match(page[start : end + 2].decode("ascii")) if 0 <= start < end else None
    if found is None:
        raise ValueError("no page of viser: its code is not there")
    return _unpacked(found[1], int(found[2]), int(found[3]))


@lru_cache(maxsize=1)
def _unpacked(packed: str, style: int, code: int) -> str:
    """``style``, ``code``: bytes of either, one after the other."""
    digit = np.zeros(256, np.int64)
    digit[np.frombuffer(_LETTERS, np.uint8)] = np.arange(len(_LETTERS))
    digits = digit[np.frombuffer(packed.encode("ascii"), np.uint8)]
    places, whole = len(_LETTERS) ** np.arange(4, -1, -1), len(digits) // 5 * 5
    frame = (digits[:whole].reshape(-1, 5) @ places).astype(">u4").tobytes()
    rest = digits[whole:]  # k + 1 letters are the last k bytes
    frame += int(rest @ places[5 - len(rest) :]).to_bytes(max(0, len(rest) - 1), "big")
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(frame)
    if len(unpacked) != style + code:
        raise ValueError("no page of viser: its code is of another length")
    return unpacked[style:].decode("utf-8")


def _mended(page: bytes, title: str, told: Mapping[str, Any], scripts: tuple[str, ...], style: str, body: str) -> bytes:
    """The page with scripts and css first in its head, our title and icon, and html first in its body."""
    data = json.dumps(told).replace("<", "\\u003c")  # else a name could end the script
    code = "\n".join([f"window.gsseg = {data};", *map(_web, scripts)])
    ours = f"<script>{code}</script><style>{style}</style>"
    page = _replaced(page, rb"<head>", f"<head>{ours}")
    page = _replaced(page, rb"<title>Viser</title>", f"<title>{html.escape(title)}</title>")
    page = _replaced(page, rb'<link\s+rel="icon"\s+href="[^"]*"\s*/>', f'<link rel="icon" href="{_ICON}" />')
    page = _replaced(page, rb'content="Viser client"', 'content="Gaussian splats and their objects"')
    return _replaced(page, rb"<body>", f"<body>{body}")


def _replaced(page: bytes, pattern: bytes, ours: str) -> bytes:
    """The page with the one place of a pattern replaced."""
    found = re.search(pattern, page)
    if found is None:
        raise ValueError(f"no page of viser: it has no {pattern.decode()}")
    return page[: found.start()] + ours.encode("utf-8") + page[found.end() :]


@lru_cache(maxsize=32)
def _web(name: str) -> str:
    return files("gsseg_viewer").joinpath("web", name).read_text(encoding="utf-8")
