"""report.html: a run on one page that needs nothing but a browser."""

import base64
import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from gsseg.errors import InputError
from gsseg.evaluate.score import Lost
from gsseg.export.charts import bars, curve, number
from gsseg.export.close_ups import NO_CLOSE_UPS, CloseUps
from gsseg.export.losses import losses_section
from gsseg.export.pictures import (
    Crop,
    Picture,
    blended,
    choose_views,
    code_colors,
    feature_colors,
    fitted,
    jpeg,
    labels_picture,
    object_colors,
    over_brightness,
    photo_of,
)
from gsseg.export.report_style import POLICY, SCRIPT, STYLE
from gsseg.files import whole_file
from gsseg.render import blend_weights
from gsseg.scene import Camera, Scene, View
from gsseg.scene.sh import seen_colors
from gsseg.segmentation import NO_CODE, ObjectInfo, SegmentationColumns
from gsseg.segmentation.confidence import Border

PICTURE_SIDE = 480
"""Longer side of a picture, pixels: twenty of them stay near 1 MB."""


LEAST_DOUBT, MOST_BORDERS = 0.1, 12
"""Borders with less doubt are not shown (more than 95 % sure), and so many at most."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """All that a report tells."""

    scene: Scene
    segmentation: SegmentationColumns
    losses: Mapping[str, list[float]]
    """Curves, each over its own steps."""
    metrics: Mapping[str, Any]
    """As in metrics.json; ``seconds``, ``peak_rss_mb``, ``counts`` and ``scores`` have places of their own."""
    config: Mapping[str, Any]
    """As in config.yaml."""
    notes: list[str]
    """What reading found, one sentence each."""
    borders: Sequence[Border] = ()
    """Borders between touching objects, the most doubtful first."""
    views: int = 4
    """How many views to show."""
    lost: Lost | None = None
    """Instances that were lost; None where the truth is not known."""
    pictures: CloseUps = NO_CLOSE_UPS
    """Thumbnails of objects, and pictures of what was lost."""


def write_report(path: Path | str, data: ReportData) -> None:
    """Writes the report as one file without links: pictures, style and script are inside.

    Photo or rendered splats, masks, features, codes and objects of a few views far apart; scores, loss curves, the
    table of objects, timings, notes and configuration. Every word of the user's is escaped. A photo that cannot be read
    is named in its place: no finished work is lost to a picture of it. Raises `InputError` where the file cannot be
    written.
    """
    title = html.escape(data.scene.path.resolve().name or "scene")
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title} &middot; gsseg</title><style>{STYLE}</style></head><body>
<h1>{title}</h1><p class="where">{html.escape(str(data.scene.splats.path))}</p>
{_tiles(data)}
<h2>Views</h2>{_views(data)}
<h2>Objects</h2>{_objects(data.segmentation.objects, data.pictures.objects)}
{_section("Lost instances", "" if data.lost is None else losses_section(data.lost, data.pictures.lost, _image))}
{_section("Least certain borders", _borders(data))}
{_section("Losses", _curves(data.losses))}
{_section("Seconds", _seconds(data.metrics))}
{_section("Notes from reading", _notes(data.notes))}
<h2>Details</h2>
<details><summary>Metrics</summary><pre>{_yaml(data.metrics)}</pre></details>
<details><summary>Configuration</summary><pre>{_yaml(data.config)}</pre></details>
<dialog><img alt=""></dialog><script>{SCRIPT}</script></body></html>
"""
    with whole_file(path) as beside:
        beside.write_text(page, encoding="utf-8", errors="replace")  # paths need not be text


def view_pictures(data: ReportData, index: int) -> dict[str, Picture | None]:
    """Caption -> picture of one view: photo (or splats, where there is none), masks, features, codes, objects."""
    return _pictures(data, index, _colorings(data))


def _colorings(data: ReportData) -> dict[str, Tensor]:
    found = data.segmentation
    seen = torch.from_numpy(found.code_fine != NO_CODE)
    return {
        "Features (PCA)": feature_colors(torch.from_numpy(found.learnt), seen),
        "Codes": code_colors(found.code_fine),
        "Objects": object_colors(found.object_ids, found.objects),
    }


def _pictures(data: ReportData, index: int, colorings: Mapping[str, Tensor]) -> dict[str, Picture | None]:
    view, gaussians = data.scene.views[index], data.scene.gaussians.to("cpu")
    camera = fitted(view.camera, PICTURE_SIDE)
    weights = blend_weights(gaussians, camera)
    photo = _photo(view, camera)
    *drawn, splats = blended(weights, camera, [*colorings.values(), seen_colors(gaussians, camera.position)])
    look = splats if photo is None else photo
    pictures: dict[str, Picture | None] = {"Splats" if photo is None else "Photo": look}
    pictures["Masks"] = None if view.labels is None else labels_picture(view.labels.astype(np.int64), camera, look)
    pictures.update(zip(colorings, drawn, strict=True))
    pictures["Objects"] = over_brightness(drawn[-1], look)
    return pictures


def _photo(view: View, camera: Camera) -> Picture | None:
    """The view's photo; None where there is none or it is damaged, which the notes of reading it do not say."""
    try:
        return photo_of(view, camera)
    except InputError:
        return None


def _views(data: ReportData) -> str:
    colorings, rows = _colorings(data), []
    for index in choose_views(data.scene.views, data.views):
        view, cells = data.scene.views[index], []
        for caption, picture in _pictures(data, index, colorings).items():
            if picture is None:
                cells.append(f'<figure><div class="none" style="{_shape(view.camera)}">no mask</div>')
            else:
                cells.append(f"<figure>{_image(picture, html.escape(f'{caption} of {view.name}'))}")
            cells.append(f"<figcaption>{caption}</figcaption></figure>")
        rows.append(f'<div class="view"><h3>{html.escape(view.name)}</h3>{"".join(cells)}</div>')
    return "".join(rows) or "<p>The scene has no views.</p>"


def _image(picture: Crop, alt: str) -> str:
    """A picture inside the page; ``alt`` is markup."""
    return f'<img alt="{alt}" src="data:image/jpeg;base64,{base64.b64encode(jpeg(picture)).decode()}">'


def _shape(camera: Any) -> str:
    return f"aspect-ratio:{camera.width}/{camera.height}"


def _tiles(data: ReportData) -> str:
    metrics, found = data.metrics, data.segmentation
    ids, seen = found.object_ids, found.code_fine != NO_CODE
    scores = metrics.get("scores") or {}
    tiles = [(number(len(data.segmentation.objects)), "objects")]
    tiles += [
        (f"{scores[name]:.3f}", label)
        for name, label in (("object_iou", "object IoU"), ("view_iou", "view IoU"))
        if isinstance(scores.get(name), float)
    ]
    tiles += [
        (number(len(ids)), "Gaussians"),
        (f"{100.0 * (ids[seen] >= 0).mean():.1f} %" if seen.any() else "&ndash;", "of those seen in objects"),
        (number(len(np.unique(found.code_fine[seen]))), "codes"),
        (number(sum(view.labels is not None for view in data.scene.views)), f"of {len(data.scene.views)} views masked"),
    ]
    seconds = (metrics.get("seconds") or {}).get("total")
    if isinstance(seconds, (int, float)):
        tiles.append((f"{seconds:.1f} s", "in total"))
    if isinstance(metrics.get("peak_rss_mb"), (int, float)):
        tiles.append((f"{metrics['peak_rss_mb'] / 1024:.2f} GB", "peak memory"))
    cells = "".join(f'<div class="tile"><b>{value}</b><span>{label}</span></div>' for value, label in tiles)
    return f'<div class="tiles">{cells}</div>'


def _objects(table: list[ObjectInfo], thumbnails: Mapping[int, Crop]) -> str:
    if not table:
        return "<p>No objects were found.</p>"
    numeric = ("id", "Gaussians", "size (world units)", "views", "agreement")
    heads = "".join(
        f"<th{' class=n' if name in numeric else ''}>{f'<button>{name}</button>' if name else ''}</th>"
        for name in ("", "", "id", "name", "Gaussians", "size (world units)", "views", "agreement")
    )
    pictures = {each: _image(picture, f"object {each}") for each, picture in thumbnails.items()}
    rows = "".join(
        f'<tr><td class="thumbnail">{pictures.get(row.id, "")}</td>'
        f'<td><span class="swatch" style="background:rgb({",".join(str(int(c)) for c in row.color)})"></span></td>'
        f'<td class="n">{row.id}</td><td>{html.escape(row.name)}</td>'
        f'<td class="n" data-v="{row.gaussians}">{number(row.gaussians)}</td>{_size(row)}'
        f'<td class="n">{row.views}</td><td class="n" data-v="{row.agreement:.6f}">'
        f'<meter min="0" max="1" value="{row.agreement:.3f}"></meter> {row.agreement:.2f}</td></tr>'
        for row in table
    )
    head = f"<thead><tr>{heads}</tr></thead>"
    return f'<div class="scroll"><table class="sortable">{head}<tbody>{rows}</tbody></table></div>'


def _borders(data: ReportData) -> str:
    """The borders that a person should look at, as a table; nothing where all are as good as sure."""
    names = {row.id: f"{row.id} {html.escape(row.name)}" for row in data.segmentation.objects}
    shown = [border for border in data.borders if border.doubt >= LEAST_DOUBT][:MOST_BORDERS]
    rows = "".join(
        f"<tr><td>{names[each.first]}</td><td>{names[each.second]}</td>"
        f'<td class="n" data-v="{each.two:.6f}"><meter min="0" max="1" value="{each.two:.3f}"></meter> {each.two:.2f}'
        f'</td><td class="n">{each.apart:.1f}</td><td class="n">{each.dropped:.1f}</td>'
        f'<td class="n">{each.together:.1f}</td></tr>'
        for each in shown
    )
    heads = "".join(
        f"<th{' class=n' if k > 1 else ''}><button>{name}</button></th>"
        for k, name in enumerate(("object", "and", "are two", "views apart", "views that drop one", "views together"))
    )
    if not rows:
        return ""
    table = f'<table class="sortable"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    told = "Objects that touch, with the probability that they are two and the weight of the views for and against."
    return f'<p>{told}</p><div class="scroll">{table}</div>'


def _size(row: ObjectInfo) -> str:
    sides = [high - low for low, high in zip(row.bbox_min, row.bbox_max, strict=True)]
    return f'<td class="n" data-v="{math.hypot(*sides):.6g}">{" &times; ".join(number(side) for side in sides)}</td>'


def _curves(losses: Mapping[str, list[float]]) -> str:
    drawn = "".join(curve(name, values) for name, values in losses.items())
    return f'<div class="curves">{drawn}</div>' if drawn else ""


def _seconds(metrics: Mapping[str, Any]) -> str:
    stages = {str(name): float(value) for name, value in (metrics.get("seconds") or {}).items() if name != "total"}
    return bars(stages, "s") if stages else ""


def _notes(notes: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in notes)}</ul>" if notes else ""


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>{body}" if body else ""


def _yaml(values: Mapping[str, Any]) -> str:
    return html.escape(yaml.safe_dump(_plain(values), sort_keys=False, allow_unicode=True))


def _plain(value: Any) -> Any:
    """Only what YAML knows: numpy's numbers, tuples and paths become Python's, lists and text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
