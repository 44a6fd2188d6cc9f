"""ScanNet: a raw scan becomes a SCENE, one point a vertex of its mesh, with the truth of each.

Poses are camera-to-world in the world of the mesh as it is: axisAlignment is never applied. The extrinsics in ``.sens``
are the identity in what ScanNet delivers, and nobody's tool applies them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.vertex_truth import INSTANCE, NAMES, SEMANTIC
from gsseg.io.langsplat import MASKS, VECTORS
from gsseg.io.numbers import LARGEST_COORDINATE
from gsseg.io.ply import write_splats
from gsseg.io.posed import rigid_transform
from gsseg.io.transforms import find_transforms
from gsseg.io.write_transforms import transforms_of
from gsseg.prepare.capture import Capture
from gsseg.prepare.choose import choose_frames, photo_sharpness
from gsseg.prepare.extracted import ExtractedCapture
from gsseg.prepare.new_scene import Prepared, copy_file, new_scene, write_json
from gsseg.prepare.opengaussian import OpenGaussianCapture
from gsseg.prepare.photos import for_each, scaled, write_photo
from gsseg.prepare.scan_mesh import read_instances, read_labels, read_points
from gsseg.prepare.sens import SensFile

Progress = Callable[[str, int, int], None]
POINTS = "points3d.ply"
"""Vertices in a SCENE, and in OpenGaussian's layout."""

_MESH, _LABELS = "_vh_clean_2.ply", "_vh_clean_2.labels.ply"
_SEGMENTS, _AGGREGATION = "_vh_clean_2.0.010000.segs.json", ".aggregation.json"


@dataclass(frozen=True)
class ScanNetOptions:
    """What to take of a scan."""

    every: int = 20
    """Every so many frames."""
    frames: int | None = None
    """At most so many of those, chosen by `choose_frames`; None: all."""
    downscale: int = 1
    """Photos are made so much smaller; 1: copied byte for byte."""
    depth: bool = False
    """Whether to write depth pictures, too."""


def prepare_scannet(
    raw: Path, out: Path, options: ScanNetOptions = ScanNetOptions(), progress: Progress = lambda *_: None
) -> Prepared:
    """Makes a SCENE from the folder of one scan: ``.sens``, or what was extracted of it, and the mesh's files.

    Writes ``transforms.json``, ``images/``, ``points3d.ply``, and what is known of the vertices to ``gt/``; with depth
    asked for ``depth/``, whose names stand in the frames. Raises `InputError` where a file is missing or damaged.
    """
    with new_scene(out, raw) as scene:
        capture = _open_capture(raw)
        points = read_points(_only(raw, _MESH) or _points_of(raw))
        kept, lost = _frames(capture, options)
        camera = scaled(capture.camera, options.downscale)
        cameras = [replace(camera, T_camera_world=np.linalg.inv(pose)) for pose in kept.values()]
        chosen, photos, depths = list(kept), {}, {}
        for folder in ("images", "depth") if options.depth else ("images",):
            (scene / folder).mkdir()

        def write(k: int) -> None:
            frame, name = chosen[k], capture.names[chosen[k]]
            file = write_photo(capture.photo(frame), scene / "images" / name, capture.camera, options.downscale)
            photos[k] = f"images/{file.name}"
            depth = capture.depth_png(frame) if options.depth else None
            if depth is not None:
                (scene / "depth" / f"{name}.png").write_bytes(depth)
                depths[k] = {"depth_file_path": f"depth/{name}.png"}
            for masks in (raw / "language_features" / f"{name}{ending}" for ending in (MASKS, VECTORS)):
                if masks.is_file():
                    copy_file(masks, scene / "language_features" / masks.name)

        for_each(len(chosen), "frames", write, progress)
        order = range(len(chosen))
        more = [depths.get(k, {}) for k in order]
        write_json(scene / "transforms.json", transforms_of(cameras, [photos[k] for k in order], more))
        write_splats(scene / POINTS, points)
        counts, notes = _write_truth(raw, scene / "gt", len(points))
        progress("vertices", 1, 1)
    if lost:
        notes.append(f"{lost} of {len(capture.names)} frames have no finite pose and are left out.")
    if options.depth and len(depths) < len(chosen):
        notes.append(f"{len(chosen) - len(depths)} of {len(chosen)} frames have no depth.")
    return Prepared(out, {"frames": len(chosen), "without pose": lost, "vertices": len(points), **counts}, tuple(notes))


def _open_capture(raw: Path) -> Capture:
    sens = _only(raw, ".sens")
    if sens is not None:
        return SensFile.open(sens)
    if (raw / "color").is_dir() and (raw / "pose").is_dir():
        return ExtractedCapture.open(raw)
    if find_transforms(raw):
        return OpenGaussianCapture.open(raw)
    raise InputError(raw, "holds no .sens, no color/ and pose/, no transforms_train.json", "give one scan's folder")


def _points_of(raw: Path) -> Path:
    if not (raw / POINTS).is_file():
        raise InputError(raw, f"has no mesh (*{_MESH}, or {POINTS})", "download it: the points are its vertices")
    return raw / POINTS


def _only(raw: Path, ending: str) -> Path | None:
    """The one file of a scan that ends so; `InputError` where there are two."""
    files = sorted(file for file in raw.iterdir() if file.name.endswith(ending))
    if len(files) > 1:
        raise InputError(raw, f"holds {files[0].name} and {files[1].name}", "give the folder of one scan")
    return files[0] if files else None


def _frames(capture: Capture, options: ScanNetOptions) -> tuple[dict[int, ndarray], int]:
    """Frames to keep with their rigid poses, and how many of all have none."""
    poses = capture.poses
    finite = np.array([bool(np.isfinite(pose).all()) for pose in poses])
    if not finite.any():
        raise InputError(capture.path, f"none of its {len(poses)} frames has a finite pose", "download it again")
    beyond = finite & (np.abs(poses).max(axis=(1, 2)) > LARGEST_COORDINATE)
    if beyond.any():
        problem = f"the pose of frame {int(beyond.argmax())} reaches beyond {LARGEST_COORDINATE:g}"
        raise InputError(capture.path, problem, "download it again")
    rows = np.arange(0, len(poses), options.every)
    rows = rows[finite[rows]]
    if not len(rows):
        problem = f"has no frame with a finite pose among every {options.every}th"
        raise InputError(capture.path, problem, "give a smaller --every")
    rigid = {int(k): rigid_transform(capture.path, f"the pose of frame {k}", poses[k]) for k in rows}
    if options.frames is not None:
        every = np.stack(list(rigid.values()))
        picked = choose_frames(
            every, options.frames, lambda some: photo_sharpness([capture.photo(int(rows[k])) for k in some])
        )
        rigid = {int(rows[k]): rigid[int(rows[k])] for k in picked}
    return rigid, int((~finite).sum())


def _write_truth(raw: Path, gt: Path, vertices: int) -> tuple[dict[str, int], list[str]]:
    """Writes classes and instances of the vertices, as far as they are known; counts and notes."""
    labels, segments, aggregation = (_only(raw, ending) for ending in (_LABELS, _SEGMENTS, _AGGREGATION))
    if segments is None and aggregation is None and labels is None:
        return {}, ["The scan has no labels and no instances: there is no truth to score against."]
    if (segments is None) != (aggregation is None):
        lacking = _SEGMENTS if segments is None else _AGGREGATION
        raise InputError(raw, f"has no *{lacking}", "instances take both files: download it, or remove the other")
    gt.mkdir()
    counts: dict[str, int] = {}
    notes: list[str] = []
    if labels is not None:
        classes = read_labels(labels, vertices)
        np.save(gt / SEMANTIC, classes)
        counts["unlabelled vertices"] = int((classes == 0).sum())
    else:
        notes.append(f"The scan has no *{_LABELS}: classes are not known, and walls and floors count as instances.")
    if segments is not None and aggregation is not None:
        found = read_instances(segments, aggregation, vertices)
        np.save(gt / INSTANCE, found.ids)
        write_json(gt / NAMES, {str(instance): name for instance, name in sorted(found.names.items())})
        counts["instances"] = len(np.unique(found.ids[found.ids >= 0]))
        if found.unknown_segments:
            notes.append(f"{found.unknown_segments} segments of {aggregation.name} belong to no vertex.")
    else:
        notes.append(f"The scan has no *{_AGGREGATION}: instances are not known.")
    return counts, notes
