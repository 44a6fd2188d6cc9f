"""Masks looked at: photos with their masks in colours over them, as one picture and as a page for the browser."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

from gsseg.io.photos import read_photo
from gsseg.masks.check import MasksCheck
from gsseg.scene import View
from gsseg.segmentation.describe import default_colors

CELL, MOST_CELLS, COLUMNS = 240, 48, 4
"""Contact sheet: pixels of a cell's longer side, views on it, and in a row."""

PAGE_CELL, MOST_ON_PAGE = 480, 300
"""Page: pixels of a picture's longer side, and views on it; 300 of them are some 15 MB."""

_CAPTION, _BACKGROUND, _WORDS = 14, (24, 24, 24), (225, 225, 225)

_HEAD = """<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Masks</title><style>
:root { color-scheme: light dark } body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 110rem;
padding: 0 1rem } h1 { font-size: 1.3rem } .views { display: grid; gap: 1rem;
grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)) } figure { margin: 0 } img { width: 100%;
height: auto; display: block; border-radius: 4px } figcaption { padding: .3rem 0; overflow-wrap: anywhere } .told {
color: light-dark(#a33c00, #ffab70) } .dim { opacity: .75 } li { overflow-wrap: anywhere }
</style>"""


def contact_sheet(views: Sequence[View], check: MasksCheck) -> UInt8[ndarray, "height width 3"]:
    """Photos with masks below, `MOST_CELLS` views evenly chosen, each with its name and how much of it is covered."""
    chosen = _evenly(views, MOST_CELLS)
    cells = [np.concatenate(pictures(view, CELL)) for view in chosen]
    height, width = max(cell.shape[0] for cell in cells) + _CAPTION, max(cell.shape[1] for cell in cells)
    rows = -(-len(cells) // COLUMNS)
    size = min(COLUMNS, len(cells)) * (width + 6), rows * (height + 6)
    sheet = Image.new("RGB", size, _BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    numbers = {each.view: each for each in check.views}
    for k, (view, cell) in enumerate(zip(chosen, cells, strict=True)):
        left, top = k % COLUMNS * (width + 6) + 3, k // COLUMNS * (height + 6) + 3
        sheet.paste(Image.fromarray(cell), (left, top))
        found = numbers.get(view.name)
        said = f"{found.masks} masks, {found.covered:.0%}" if found else "no masks"
        room = max(4, (width - 6 * (len(said) + 2)) // 6)  # letters are some six pixels wide
        name = view.name if len(view.name) <= room else "..." + view.name[-room + 3 :]
        name = "".join(letter if " " <= letter <= "~" else "?" for letter in name)  # what the font has
        pen.text((left, top + cell.shape[0] + 1), f"{name}  {said}", _WORDS, font)
    return np.asarray(sheet)


def contact_page(views: Sequence[View], check: MasksCheck) -> str:
    """One HTML page that needs no other file: numbers, remarks, and the views, those with remarks first."""
    numbers = {each.view: each for each in check.views}
    told: dict[str, list[str]] = {}
    for problem, names in check.problems():
        for name in names:
            told.setdefault(name, []).append(problem)
    shown = _evenly(views, MOST_ON_PAGE)
    parts = [_HEAD, f"<h1>Masks of {len(check.views)} views</h1>"]
    if check.without:
        parts.append(f"<p>{len(check.without)} views have none: {escape(', '.join(check.without))}</p>")
    remarks = "".join(f"<li>{escape(each)}</li>" for each in check.remarks())
    parts.append(f'<ul class="told">{remarks}</ul>' if remarks else "<p>Nothing odd about them.</p>")
    if len(shown) < len(views):
        parts.append(f'<p class="dim">{len(shown)} of {len(views)} views, evenly chosen.</p>')
    parts.append('<div class="views">')
    for view in sorted(shown, key=lambda view: (view.name not in told, view.name)):
        found = numbers.get(view.name)
        said = "no masks"
        if found is not None:
            said = f"{found.masks} masks over {found.covered:.0%}, the largest {found.largest:.0%}"
            said += f", {found.tiny} tiny" if found.tiny else ""
        remark = "".join(f'<br><span class="told">{escape(each)}</span>' for each in told.get(view.name, []))
        name = escape(view.name)
        parts.append(
            f'<figure><img loading="lazy" alt="photo and masks of {name}" src="data:image/jpeg;base64,{_jpeg(view)}">'
            f"<figcaption><b>{name}</b> {said}{remark}</figcaption></figure>"
        )
    return "\n".join([*parts, "</div></html>\n"])


def pictures(view: View, side: int) -> list[UInt8[ndarray, "height width 3"]]:
    """The photo, and its masks in colours over its greys; ``side`` pixels on the longer side."""
    camera = view.camera
    shrink = side / max(camera.width, camera.height)
    size = max(1, round(camera.width * shrink)), max(1, round(camera.height * shrink))
    shown = np.zeros((camera.height, camera.width, 3), np.uint8) if view.photo is None else read_photo(view)
    photo = np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.BOX))
    grey = photo.mean(axis=2, keepdims=True).repeat(3, 2)
    if view.labels is None:
        return [photo, (grey * 0.5).astype(np.uint8)]
    labels = np.asarray(Image.fromarray(view.labels.astype(np.int32)).resize(size, Image.Resampling.NEAREST))
    colors = np.array([[0, 0, 0], *default_colors(int(labels.max()))], np.float64).reshape(-1, 3)[labels]
    border = np.zeros(labels.shape, bool)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    masked = np.where((labels > 0)[..., None], 0.35 * grey + 0.65 * colors, 0.5 * grey)
    masked[border] = 255
    return [photo, masked.astype(np.uint8)]


def _evenly(views: Sequence[View], most: int) -> list[View]:
    return [views[k] for k in np.unique(np.linspace(0, len(views) - 1, min(len(views), most)).astype(int))]


def _jpeg(view: View) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.concatenate(pictures(view, PAGE_CELL))).save(stream, "JPEG", quality=80)
    return base64.b64encode(stream.getvalue()).decode("ascii")
