"""nerfstudio: a processed capture becomes a SCENE in the world of its COLMAP model, or in that of trained splats.

``ns-process-data`` turns the world before it writes ``transforms.json`` (``applied_transform``), training turns and
shrinks it again (``dataparser_transforms.json``). Trainers that read the COLMAP model want the first undone; splats
that nerfstudio exported want the second done.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.nerfstudio_world import FILE_NAME, follow_nerfstudio, original_world
from gsseg.io.posed import PhotoIndex, photo_key
from gsseg.io.splat_formats import SPLAT_FORMATS, read_splats
from gsseg.io.transforms import find_transforms, read_transforms
from gsseg.prepare.new_scene import Prepared, copy_file, new_scene, write_json
from gsseg.prepare.photos import for_each

Progress = Callable[[str, int, int], None]
_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_WORLD = ("applied_transform", "applied_scale", "ply_file_path")
"""What ``transforms.json`` says of its world, and what lies in that world: not true of the new one."""


def prepare_nerfstudio(
    raw: Path, out: Path, splats: Path | None = None, link: bool = False, progress: Progress = lambda *_: None
) -> Prepared:
    """Makes a SCENE from a folder that ``ns-process-data`` made: ``transforms.json`` and photos.

    Without ``splats`` the cameras go back to the COLMAP model's world; with them, exported by nerfstudio beside their
    ``dataparser_transforms.json``, they go to the splats' world, and the splats come along. Intrinsics and lenses stay
    as they are written. Raises `InputError` where something is missing or damaged.
    """
    with new_scene(out, raw) as scene:
        files = [file for file in find_transforms(raw) if file.name == "transforms.json"]
        if not files:
            raise InputError(raw, "has no transforms.json", "give the folder that ns-process-data made")
        index = PhotoIndex(raw)
        posed, notes = read_transforms(files[0], index)
        if splats is None:
            cameras = original_world(posed, files[0])
        else:
            dataparser = splats.parent / FILE_NAME
            if not dataparser.exists():
                raise InputError(splats, f"has no {FILE_NAME} beside it", "copy it from nerfstudio's output")
            read_splats(splats)
            cameras = follow_nerfstudio(posed, files[0], dataparser)
            copy_file(splats, scene / f"splats{_ending(splats)}", link)
        known = {each.name: np.linalg.inv(each.camera.T_camera_world) @ _OPENGL for each in cameras}
        photos = {each.name: each.photo for each in cameras if each.photo is not None}
        if not photos:
            raise InputError(raw, "holds none of the photos that transforms.json names", "copy the photos, too")
        meta = {key: value for key, value in read_json_object(files[0], "copy it again").items() if key not in _WORLD}
        meta["frames"] = _frames(meta["frames"], known, photos, raw)
        jobs = [(photos[key], scene / _place(photos[key], raw)) for key in photos]
        for_each(len(jobs), "photos", lambda k: copy_file(*jobs[k], link), progress)
        write_json(scene / "transforms.json", meta)
    if len(photos) < len(posed):
        notes.append(f"{len(posed) - len(photos)} of {len(posed)} frames have no photo and are left out.")
    return Prepared(out, {"frames": len(photos)}, tuple(notes))


def _frames(frames: list[dict], known: dict[str, np.ndarray], photos: dict[str, Path], raw: Path) -> list[dict]:
    """The frames of the file that have a camera and a photo, with their new poses and places."""
    kept = []
    for frame in frames:
        key = photo_key(frame["file_path"])
        if key in photos:
            place = _place(photos[key], raw).as_posix()
            rest = {name: value for name, value in frame.items() if name not in ("mask_path", "depth_file_path")}
            kept.append({**rest, "file_path": place, "transform_matrix": known[key].tolist()})
    return kept


def _place(photo: Path, raw: Path) -> Path:
    """Where a photo goes in the scene: where it lay in the capture, else into images."""
    return photo.relative_to(raw) if photo.is_relative_to(raw) else Path("images") / photo.name


def _ending(splats: Path) -> str:
    """The ending by which a scene's splats of that format are found."""
    endings = [ending for format in SPLAT_FORMATS for ending in format.endings if splats.name.lower().endswith(ending)]
    return max(endings, key=len, default=splats.suffix)
