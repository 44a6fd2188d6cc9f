"""Pictures of the texts that were understood worst: what was meant, and what was selected."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.evaluate.prediction import Prediction
from gsseg.evaluate.prompt_truth import Query, read_queries
from gsseg.evaluate.protocols.lerf import query_camera, selected_silhouette
from gsseg.evaluate.scores import Scores
from gsseg.files.folder import whole_folder
from gsseg.io.photos import read_photo
from gsseg.scene import Scene, View

MOST = 12
"""Pictures that are written."""
MEANT, SELECTED, BOTH = (255, 70, 60), (70, 120, 255), (70, 210, 90)
"""Colours: missed, wrongly selected, right."""
_STRENGTH = 0.55


def write_query_pictures(out: Path, scene: Scene, found: Prediction, truth: Path, scores: Scores) -> list[Path]:
    """Writes a picture for each of the worst texts of `LerfProtocol`'s scores into the new folder ``out``.

    The photo of the view, grey where there is none: red what was meant and missed, blue what was selected beside it,
    green what is right. Names begin with the rank and the IoU. Raises `InputError` where ``out`` holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is not an empty folder", "choose another one")
    queries, iou = read_queries(truth), scores["miou"].by_instance
    worst = sorted(iou, key=lambda number: (iou[number], number))[:MOST]
    names = []
    with whole_folder(out) as folder:
        for rank, number in enumerate(worst):
            query = queries[number]
            text = re.sub(r"\W+", "_", f"{query.view}_{query.prompt}")[:80]
            names.append(f"{rank:02d}_{iou[number]:.2f}_{text}.png")
            rows = np.flatnonzero(np.isin(found.object_ids, scores.rules["selected"][query.prompt]))
            Image.fromarray(_picture(scene, truth, query, rows)).save(folder / names[-1])
    return [out / name for name in names]


def _picture(scene: Scene, truth: Path, query: Query, rows: ndarray) -> UInt8[ndarray, "height width 3"]:
    meant = query.read()
    camera = query_camera(scene, truth, query, meant)
    view = scene.view(query.view)
    picture = np.full((*meant.shape, 3), 128, np.uint8)
    if view.photo is not None:
        picture = read_photo(View(view.name, camera, photo=view.photo, lens=view.lens))
    mine = selected_silhouette(scene, rows, camera)
    for part, color in ((meant & ~mine, MEANT), (mine & ~meant, SELECTED), (meant & mine, BOTH)):
        picture = _tinted(picture, part, color)
    return picture


def _tinted(
    picture: UInt8[ndarray, "height width 3"], part: Bool[ndarray, "height width"], color: tuple[int, int, int]
) -> UInt8[ndarray, "height width 3"]:
    mixed = np.rint((1 - _STRENGTH) * picture + _STRENGTH * np.array(color)).astype(np.uint8)
    return np.where(part[..., None], mixed, picture)
