"""What else an export can hold beside splats with the columns they were trained with, for programs that want less or
other: one entry of the manifest and one file, or folder of files, a format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

from gsseg.export.pictures import NOBODY
from gsseg.export.view_masks import write_view_masks
from gsseg.ids import NO_OBJECT
from gsseg.io.ply import write_splats
from gsseg.io.splat_format import inria_columns
from gsseg.io.splat_glb import write_splat_glb
from gsseg.scene import Gaussians, View
from gsseg.scene.sh import SH_0
from gsseg.segmentation import ObjectInfo

OtherFormat = Literal["standard", "painted", "glb", "masks"]
OTHER_FORMATS: tuple[OtherFormat, ...] = get_args(OtherFormat)

STANDARD, PAINTED, GLB = "standard.ply", "painted.ply", "scene.glb"


@dataclass(frozen=True, kw_only=True)
class OtherFormats:
    """Which, and what they need."""

    formats: frozenset[OtherFormat]
    """standard: PLY with the columns that every viewer knows and no others; painted: the same in the colours of the
    objects; glb: glTF with object ids; masks: the objects as masks of the views."""
    gaussians: Gaussians
    """The splats, with the settings they are drawn with."""
    views: Sequence[View] = ()
    """For masks."""
    view_names: Sequence[str] = ()
    """Of the views, as `gsseg.export.view_masks.view_files`."""
    up: Float64[ndarray, "3"] | None = None
    """Which way is up in the world, for glTF, where it is known."""
    progress: Callable[[int, int], None] = lambda done, total: None
    """Told the views done and their number."""


def painted(
    gaussians: Gaussians, object_ids: Int32[ndarray, " gaussians"], colors: Mapping[int, Sequence[int]]
) -> Gaussians:
    """The Gaussians in the colours of their objects (RGB 0..255), the same from everywhere; grey those of none."""
    palette = np.tile(np.array(NOBODY, np.float32), (max(colors, default=NO_OBJECT) + 2, 1))
    for each, color in colors.items():
        palette[each] = np.array(color, np.float32) / np.float32(255.0)
    of_gaussian = torch.from_numpy(palette[object_ids])  # -1 is the last row
    return replace(gaussians, sh=((of_gaussian - 0.5) / SH_0)[:, None].to(gaussians.sh.dtype))


def add_other_formats_(
    contents: dict[str, Any],
    folder: Path,
    objects: Sequence[ObjectInfo],
    object_ids: Int32[ndarray, " gaussians"],
    kept: Int64[ndarray, " kept"],
    options: OtherFormats,
) -> None:
    """Writes the formats that are asked for, of the rows ``kept``, and names the files in the manifest.

    `InputError` where a format cannot hold so much, or the file system refuses.
    """
    drawn, ids = options.gaussians.subset(torch.from_numpy(kept).to(options.gaussians.means.device)), object_ids[kept]
    left = drawn.to("cpu")
    if "standard" in options.formats:
        write_splats(folder / STANDARD, inria_columns(left))
        contents["standard"] = {"file": STANDARD, "gaussians": len(left)}
    if "painted" in options.formats:
        write_splats(folder / PAINTED, inria_columns(painted(left, ids, {row.id: row.color for row in objects})))
        contents["painted"] = {"file": PAINTED, "gaussians": len(left)}
    if "glb" in options.formats:
        there = set(np.unique(ids).tolist()) - {NO_OBJECT}
        listed = [{"id": row.id, "name": row.name, "color": row.color} for row in objects if row.id in there]
        write_splat_glb(folder / GLB, left, ids, listed, options.up)
        contents["glb"] = {"file": GLB, "gaussians": int(left.drawable.sum())}
    if "masks" in options.formats:
        names = options.view_names
        contents["masks"] = write_view_masks(folder, drawn, ids, objects, options.views, names, options.progress)
