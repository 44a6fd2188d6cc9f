"""Replica as Semantic-NeRF renders it: photos, depth, pictures of instances that are the same in every view.

    <sequence>/traj_w_c.txt                              a camera-to-world pose a line, 16 numbers, OpenCV axes
    <sequence>/rgb/rgb_17.png, depth/depth_17.png        depth in millimetres
    <sequence>/semantic_instance/semantic_instance_17.png

The camera sees 90 degrees across with square pixels. Source: Semantic-NeRF (Zhi et al., ICCV 2021),
``SSR/datasets/replica/replica_datasets.py`` and ``SSR/training/trainer.py``.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.json_file import MOST_BYTES, read_text
from gsseg.io.label_png import read_label_png
from gsseg.io.picture import photo_size
from gsseg.io.posed import check_camera, rigid_transform
from gsseg.io.write_transforms import transforms_of
from gsseg.prepare.capture import FileSpan
from gsseg.prepare.extracted import parse_matrix
from gsseg.prepare.new_scene import Prepared, copy_file, new_scene, write_json
from gsseg.prepare.photos import for_each, write_photo
from gsseg.scene import Camera

Progress = Callable[[str, int, int], None]
HOLD_OUT = 8
"""Every so many frames, from the first on, has no masks and is scored, as with COLMAP scenes."""


def prepare_replica(
    raw: Path, out: Path, every: int = 10, depth: bool = False, progress: Progress = lambda *_: None
) -> Prepared:
    """Makes a SCENE from one sequence, of every ``every``-th frame; ``depth``: with its depth pictures.

    Instances of training views become masks, perfect ones; those of the frames that are held out become the truth of
    pixels, ``gt/ids``. Raises `InputError` where something is missing or damaged.
    """
    with new_scene(out, raw) as scene:
        poses, photos, instances, depths = (
            read_trajectory(raw / "traj_w_c.txt"),
            *(_numbered(raw / folder, stem) for folder, stem in (("rgb", "rgb"), ("semantic_instance",) * 2)),
            _numbered(raw / "depth", "depth", needed=False),
        )
        frames = sorted(photos)[::every]
        beyond = [frame for frame in frames if frame >= len(poses)]
        if beyond:
            problem = f"holds {len(poses)} poses, and there is a photo {beyond[0]}"
            raise InputError(raw / "traj_w_c.txt", problem, "copy the whole sequence")
        camera = _camera(photos[frames[0]])
        rows = {frame: f"the pose of line {frame + 1}" for frame in frames}
        inverse = [np.linalg.inv(rigid_transform(raw / "traj_w_c.txt", rows[frame], poses[frame])) for frame in frames]
        names = {frame: f"rgb_{frame:05d}" for frame in frames}
        held_out = frames[::HOLD_OUT] if len(frames) >= HOLD_OUT else []
        files: dict[int, str] = {}
        for folder in ("images", "masks", "gt/ids"):
            (scene / folder).mkdir(parents=True)

        def write(k: int) -> None:
            frame = frames[k]
            files[k] = write_photo(FileSpan(photos[frame]), scene / "images" / names[frame], camera, 1).name
            if frame not in instances:
                raise InputError(raw / "semantic_instance", f"lacks the picture {frame}", "copy the whole sequence")
            ids = read_label_png(instances[frame])
            if ids.max() > np.iinfo(np.uint16).max:
                raise InputError(instances[frame], f"holds the instance {ids.max()}", "copy it again")
            folder = "gt/ids" if frame in held_out else "masks"
            Image.fromarray(ids.astype(np.uint16)).save(scene / folder / f"{names[frame]}.png")
            if depth and frame in depths:
                copy_file(depths[frame], scene / "depth" / f"{names[frame]}.png")

        for_each(len(frames), "frames", write, progress)
        cameras = [replace(camera, T_camera_world=pose) for pose in inverse]
        pictures = [f"images/{files[k]}" for k in range(len(frames))]
        write_json(scene / "transforms.json", transforms_of(cameras, pictures))
        write_json(scene / "gt" / "test_views.json", [names[frame] for frame in held_out])
        if not held_out:
            (scene / "gt" / "ids").rmdir()
            (scene / "gt" / "test_views.json").unlink()
            (scene / "gt").rmdir()
    return Prepared(out, {"frames": len(frames), "held out": len(held_out)})


def read_trajectory(path: Path) -> Float64[ndarray, "frames 4 4"]:
    """One pose a line; `InputError` where a line holds no 16 finite numbers."""
    check_readable(path)
    try:
        lines = [line for line in read_text(path, MOST_BYTES).splitlines() if line.strip()]
    except ValueError as error:
        raise InputError(path, f"is no text of poses ({error})", "copy it again") from error
    poses = np.empty((len(lines), 4, 4))
    for number, line in enumerate(lines):
        try:
            poses[number] = parse_matrix(line)
        except ValueError as error:
            problem = f"line {number + 1} is no matrix of 4 x 4 numbers ({error})"
            raise InputError(path, problem, "copy it again") from error
        if not np.isfinite(poses[number]).all():
            raise InputError(path, f"line {number + 1} has numbers that are not finite", "copy it again")
    return poses


def _numbered(folder: Path, stem: str, needed: bool = True) -> dict[int, Path]:
    """Pictures ``<stem>_17.png`` by their number."""
    found = {}
    for file in folder.glob(f"{stem}_*.png"):
        match = re.fullmatch(rf"{stem}_([0-9]{{1,9}})", file.stem)
        if match:
            found[int(match[1])] = file
    if needed and not found:
        raise InputError(folder, f"holds no pictures {stem}_0.png", "give the folder of one sequence")
    return found


def _camera(photo: Path) -> Camera:
    width, height = photo_size(photo)
    focal = width / 2  # 90 degrees: half the width over the tangent of 45 degrees
    camera = Camera(width, height, focal, focal, width / 2, height / 2, np.eye(4))
    check_camera(photo, "its camera", camera)
    return camera
