"""The page beside the splats: curves, and photos kept apart beside what the splats show from there."""

import base64
import html
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.export.charts import curve, number
from gsseg.export.pictures import jpeg, strip
from gsseg.export.report_style import POLICY, SCRIPT, STYLE
from gsseg.files import whole_file
from gsseg.splats.loop import SplatTrainer
from gsseg.splats.score import HeldOut

PICTURE_SIDE = 640
"""Longer side of a picture on the page, pixels."""
DIFFERENCE_GAIN = 4.0
"""How much brighter differences are shown than they are."""
MOST_VIEWS = 6


def write_splat_report(
    path: Path, title: str, trainer: SplatTrainer, scores: Sequence[HeldOut], notes: Sequence[str], apart: bool
) -> None:
    """Writes one file without links. ``apart``: whether the scored photos were kept apart, or trained on.

    Raises `InputError` where the file cannot be written.
    """
    history = trainer.history
    every = f" (every {trainer.config.refine_every} steps)"
    curves = [
        curve("loss" + every, history.loss),
        curve("PSNR of training photos, dB" + every, history.psnr),
        curve("Gaussians" + every, history.gaussians),
    ]
    kind = "kept apart" if apart else "trained on"
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)} &middot; gsseg splats</title><style>{STYLE}
.view {{ grid-template-columns: repeat(3, minmax(0, 1fr)); }}</style></head><body>
<h1>{html.escape(title)}</h1><p class="where">splats from {len(trainer.views)} photos</p>
{_tiles(trainer, scores)}
<h2>Photos {kind}</h2>{"".join(_view(score) for score in _spread(scores)) or "<p>None.</p>"}
<h2>Curves</h2><div class="curves">{"".join(curves)}</div>
{_table(scores, kind)}
{"<h2>Notes</h2><ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in notes) + "</ul>" if notes else ""}
<dialog><img alt=""></dialog><script>{SCRIPT}</script></body></html>
"""
    with whole_file(path) as beside:
        beside.write_text(page, encoding="utf-8", errors="replace")


def write_preview(path: Path, score: HeldOut) -> None:
    """A PNG of one photo and what the splats show from there, side by side."""
    with whole_file(path) as beside:
        Image.fromarray(strip([_bytes(score.photo), _bytes(score.render)])).save(beside, "PNG")


def _spread(scores: Sequence[HeldOut]) -> list[HeldOut]:
    """At most `MOST_VIEWS`, evenly over all."""
    picked = np.unique(np.linspace(0, len(scores) - 1, min(MOST_VIEWS, len(scores))).round().astype(int))
    return [scores[int(k)] for k in picked]


def _tiles(trainer: SplatTrainer, scores: Sequence[HeldOut]) -> str:
    values = [
        ("PSNR", f"{np.mean([s.psnr for s in scores]):.2f} dB" if scores else "&ndash;"),
        ("PSNR, exposure fitted", f"{np.mean([s.fitted_psnr for s in scores]):.2f} dB" if scores else "&ndash;"),
        ("SSIM", f"{np.mean([s.ssim for s in scores]):.3f}" if scores else "&ndash;"),
        ("Gaussians", number(len(trainer))),
        ("steps", number(trainer.steps)),
        ("time", f"{math.ceil(trainer.seconds)} s"),
    ]
    tiles = "".join(f'<div class="tile"><b>{value}</b><span>{name}</span></div>' for name, value in values)
    return f'<div class="tiles">{tiles}</div>'


def _view(score: HeldOut) -> str:
    difference = np.clip(DIFFERENCE_GAIN * np.abs(score.photo - score.render), 0.0, 1.0)
    pictures = {
        "Photo": score.photo,
        "Splats": score.render,
        f"Difference, {DIFFERENCE_GAIN:g} times": difference,
    }
    name = html.escape(score.name)
    figures = "".join(
        f'<figure><img alt="{caption} of {name}" src="data:image/jpeg;base64,{_encoded(picture)}">'
        f"<figcaption>{caption}</figcaption></figure>"
        for caption, picture in pictures.items()
    )
    return f'<div class="view"><h3>{name}: {score.psnr:.2f} dB, SSIM {score.ssim:.3f}</h3>{figures}</div>'


def _table(scores: Sequence[HeldOut], kind: str) -> str:
    if not scores:
        return ""
    rows = "".join(
        f'<tr><td>{html.escape(s.name)}</td><td class="n">{s.psnr:.2f}</td><td class="n">{s.fitted_psnr:.2f}</td>'
        f'<td class="n">{s.ssim:.3f}</td></tr>'
        for s in scores
    )
    heads = "".join(f'<th class="n">{head}</th>' for head in ("PSNR, dB", "exposure fitted, dB", "SSIM"))
    return (
        f"<h2>All photos {kind}</h2><table><thead><tr><th>photo</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _encoded(picture: Float32[ndarray, "height width 3"]) -> str:
    small = Image.fromarray(_bytes(picture))
    small.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    return base64.b64encode(jpeg(np.asarray(small))).decode("ascii")


def _bytes(picture: Float32[ndarray, "height width 3"]) -> UInt8[ndarray, "height width 3"]:
    return np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
