"""A made home as ScanNet delivers a scan: ``.sens``, mesh, labels, segments and objects, and masks of the frames.

OUT/raw/scene0000_00/...        what `gsseg.prepare.prepare_scannet` reads
OUT/masks/000000.png            label maps of the frames, named as it names them
OUT/true_masks/000000.png       the same without faults: instance + 1, 0 = none
"""

import io
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from PIL import Image

from gsseg.files.folder import whole_folder
from gsseg.sample.cast import Seen, look
from gsseg.sample.config import RoomConfig
from gsseg.sample.scan_noise import ScanNoise
from gsseg.sample.scanned_mesh import ScannedMesh, scanned_mesh
from gsseg.sample.scannet_files import (
    DEPTH_UNITS,
    LABELLED_VERTEX,
    VERTEX,
    SensHeader,
    sens_frame,
    write_annotation,
    write_mesh,
)
from gsseg.sample.shading import measure_gloom
from gsseg.sample.world import World, make_world
from gsseg.sample.write import furnished, write_room
from gsseg.scene import Camera
from gsseg.threads import run_all

NAME = "scene0000_00"
"""The scan's folder and what its files begin with."""
DEPTH_SIZE = (640, 480)
"""Width and height of ScanNet's depth camera, pixels."""
_QUALITY = 95
"""Of the JPEG photos."""
_SEGMENT = 0.4
"""Metres; segments are what lies in one cube of this size."""
_OTHER_PROP = 40
_NYU40 = {
    1: ("wall",), 2: ("floor",), 3: ("cabinets", "pantry", "sideboard", "wardrobe", "cabinet"), 4: ("bed",),
    5: ("chair", "office chair", "stool"), 6: ("sofa",), 7: ("table",), 8: ("door",), 9: ("window",),
    10: ("bookshelf",), 11: ("picture",), 12: ("counter",), 14: ("desk",), 16: ("curtain",), 18: ("cushion",),
    20: ("rug",), 23: ("book",), 24: ("fridge",), 25: ("monitor", "television"), 29: ("box",), 30: ("whiteboard",),
    32: ("nightstand",), 35: ("lamp",), 39: ("oven",),
}  # fmt: skip
"""Class -> what made homes of scans call things of it; all else is `_OTHER_PROP`. ScanNet's mesh holds the numbers."""
_CLASSES = {name: number for number, names in _NYU40.items() for name in names}

Progress = Callable[[str, int, int], None]


def write_raw_scan(
    out: Path, config: RoomConfig, noise: ScanNoise, vertices: int = 80_000, progress: Progress = lambda *_: None
) -> Path:
    """Makes a scan of ``config.views`` frames and a mesh of about so many vertices; returns its folder of raw files.

    Every view is a frame, so ``config.test_views`` must be 0 (ValueError). Nothing appears in the new folder ``out``
    until all of it is there. Raises `InputError` where the folder holds something, as `write_room` does.
    """
    if config.test_views:
        raise ValueError(f"test_views is {config.test_views}: a scan holds no view back")
    with whole_folder(out) as beside:
        made, raw = beside / "made", beside / "raw" / NAME
        write_room(made, config, noise, progress, splats=False)
        raw.mkdir(parents=True)
        home, cameras = furnished(config)
        world = make_world(home)
        photos = sorted((made / "images").iterdir())
        seen = _write_sens(raw / f"{NAME}.sens", world, cameras, photos, progress)
        progress("mesh", 0, 1)
        gloom = measure_gloom(world, np.random.default_rng([config.seed, 2]))
        mesh = scanned_mesh(world, gloom, seen, vertices)
        write_mesh_files(raw, mesh, [item.name for item in home.items])
        for source, folder in (("masks", "masks"), ("gt/ids", "true_masks")):
            (beside / folder).mkdir()
            for frame, photo in enumerate(photos):
                if (made / source / photo.name).is_file():  # a segmenter gave nothing for some
                    (made / source / photo.name).rename(beside / folder / f"{frame:06d}.png")
        shutil.rmtree(made)
        progress("mesh", 1, 1)
    return out / "raw" / NAME


def nyu40_class(name: str) -> int:
    """NYU40's class of an instance of a made home of a scan."""
    return _CLASSES.get(name, _OTHER_PROP)


def _write_sens(path: Path, world: World, cameras: list[Camera], photos: list[Path], progress: Progress) -> list[Seen]:
    """Writes all frames, one after the other; what each view sees, at half the depth camera's size."""
    width, height = DEPTH_SIZE
    seen: list[Seen] = []

    def frame(k: int) -> tuple[Seen, bytes]:
        content = io.BytesIO()
        with Image.open(photos[k]) as photo:
            photo.save(content, "JPEG", quality=_QUALITY)
        depths = look(world, cameras[k].resized(width, height)).depths
        # 0 is no measurement; no depth camera sees farther than its 16 bits say.
        units = np.where(depths * DEPTH_UNITS < 65535.5, np.rint(depths * DEPTH_UNITS), 0).astype("<u2")
        pose = np.linalg.inv(cameras[k].T_camera_world)
        small = look(world, cameras[k].resized(width // 2, height // 2))
        return small, sens_frame(pose, content.getvalue(), zlib.compress(units.tobytes()))

    with path.open("wb") as stream:
        stream.write(SensHeader(cameras[0], width, height, len(cameras)).pack())
        for start in range(0, len(cameras), 8):
            batch = range(start, min(start + 8, len(cameras)))
            for view, content in run_all([lambda k=k: frame(k) for k in batch]):
                seen.append(view)
                stream.write(content)
            progress("frames", len(seen), len(cameras))
        stream.write(struct.pack("<Q", 0))  # no inertial measurements
    return seen


def write_mesh_files(raw: Path, mesh: ScannedMesh, names: list[str]) -> None:
    """Mesh, labels, segments and objects of a scan into its folder ``raw``; ``names``: of the items."""
    rows = np.zeros(len(mesh.vertices), LABELLED_VERTEX)
    for axis, name in enumerate("xyz"):
        rows[name] = mesh.vertices[:, axis]
    for channel, name in enumerate(("red", "green", "blue")):
        rows[name] = mesh.colors[:, channel]
    rows["alpha"] = 255
    rows["label"] = np.array([nyu40_class(name) for name in names])[mesh.instances]
    write_mesh(raw / f"{raw.name}_vh_clean_2.labels.ply", rows, mesh.triangles)
    plain = np.zeros(len(rows), VERTEX)
    for name in VERTEX.names or ():
        plain[name] = rows[name]
    write_mesh(raw / f"{raw.name}_vh_clean_2.ply", plain, mesh.triangles)
    segments = _segments(mesh)
    objects = {
        int(item): (names[item], np.unique(segments[mesh.instances == item]).tolist())
        for item in np.unique(mesh.instances)
    }
    write_annotation(raw, segments, objects)


def _segments(mesh: ScannedMesh) -> Int64[ndarray, " vertices"]:
    """What lies in one cube and is of one instance; numbers with holes, as ScanNet's have."""
    cubes = np.column_stack([mesh.instances, np.floor(mesh.vertices / _SEGMENT)])
    return 3 * np.unique(cubes, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
