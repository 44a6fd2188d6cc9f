"""Raw data sets in miniature, written in the formats of the originals: what `gsseg.prepare` is tested on."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from gsseg.sample.scannet_files import LABELLED_VERTEX, VERTEX, SensHeader, sens_frame, write_annotation, write_mesh
from gsseg.scene import Camera

WIDTH, HEIGHT = 96, 72
DEPTH_WIDTH, DEPTH_HEIGHT = 48, 36
FOCAL = 80.0


@dataclass(frozen=True, eq=False)
class RawScan:
    """A ScanNet scan on disk, and what was written."""

    folder: Path
    sens: Path
    poses: np.ndarray
    """(frames, 4, 4) camera-to-world, float32, some -inf."""
    photos: list[bytes]
    depths: list[np.ndarray]
    points: np.ndarray
    """(vertices, 3)."""
    triangles: np.ndarray
    classes: np.ndarray
    instances: np.ndarray


def jpeg(seed: int, blur: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A picture of noise, the smoother the larger ``blur``."""
    width, height = size
    noise = np.random.default_rng(seed).integers(0, 256, (height // blur + 1, width // blur + 1, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(content, "JPEG", quality=90)
    return content.getvalue()


def sens_header(frames: int, width: int = WIDTH, focal: float = FOCAL, color: int = 2, depth: int = 1) -> bytes:
    """The header of a ``.sens``."""
    camera = Camera(width, HEIGHT, focal, focal, WIDTH / 2 + 0.25, HEIGHT / 2 - 0.5, np.eye(4))
    return SensHeader(camera, DEPTH_WIDTH, DEPTH_HEIGHT, frames, color, depth).pack()


def _square(corner: list[float], u: list[float], v: list[float], side: int) -> tuple[np.ndarray, np.ndarray]:
    """A square of side x side vertices, and its triangles."""
    a, b = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side), indexing="ij")
    points = np.array(corner) + a.reshape(-1, 1) * np.array(u) + b.reshape(-1, 1) * np.array(v)
    k = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1)
    return points, np.concatenate([np.stack([k, k + side, k + 1], 1), np.stack([k + 1, k + side, k + side + 1], 1)])


def room(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A floor and three cubes on it: points, triangles, and the part (0 floor, 1..3 cubes) of each point."""
    squares = [(*_square([-2, -2, 0], [4, 0, 0], [0, 4, 0], 2 * side), 0)]
    for part, x, y in ((1, -1.2, 0.0), (2, 0.4, 0.9), (3, 0.5, -1.2)):
        s = 0.7
        for corner, u, v in (
            ([x, y, s], [s, 0, 0], [0, s, 0]), ([x, y, 0], [s, 0, 0], [0, 0, s]), ([x, y + s, 0], [s, 0, 0], [0, 0, s]),
            ([x, y, 0], [0, s, 0], [0, 0, s]), ([x + s, y, 0], [0, s, 0], [0, 0, s]),
        ):  # fmt: skip
            squares.append((*_square(corner, u, v, side), part))
    points, triangles, parts, first = [], [], [], 0
    for some, faces, part in squares:
        points.append(some)
        triangles.append(faces + first)
        parts.append(np.full(len(some), part))
        first += len(some)
    return np.concatenate(points), np.concatenate(triangles), np.concatenate(parts)


def orbit(frames: int) -> np.ndarray:
    """Camera-to-world poses, OpenCV axes, on a circle around the room."""
    poses = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    for k, angle in enumerate(np.linspace(0, 2 * np.pi, frames, endpoint=False)):
        position = np.array([3.2 * np.cos(angle), 3.2 * np.sin(angle), 2.2])
        forward = (np.array([0, 0, 0.2]) - position) / np.linalg.norm(np.array([0, 0, 0.2]) - position)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        poses[k, :3] = np.stack([right, np.cross(forward, right), forward, position], 1)
    return poses


def write_scan(folder: Path, frames: int = 12, side: int = 8, lost: tuple[int, ...] = (3,)) -> RawScan:
    """A raw scan of a floor and three cubes, of a chair, a table and an unlabelled thing; frame 3 is lost."""
    folder.mkdir(parents=True)
    name = folder.name
    poses, photos = orbit(frames), [jpeg(k) for k in range(frames)]
    poses[list(lost)] = -np.inf
    rng = np.random.default_rng(0)
    depths = [rng.integers(500, 4000, (DEPTH_HEIGHT, DEPTH_WIDTH), np.uint16) for _ in range(frames)]
    parts = [sens_frame(p, c, zlib.compress(d.tobytes())) for p, c, d in zip(poses, photos, depths, strict=True)]
    sens = folder / f"{name}.sens"
    sens.write_bytes(sens_header(frames) + b"".join(parts) + struct.pack("<Q", 0))  # no inertial measurements
    points, triangles, part = room(side)
    classes = np.array([2, 5, 7, 0])[part]
    labels = np.zeros(len(points), LABELLED_VERTEX)
    for axis, key in enumerate("xyz"):
        labels[key] = points[:, axis]
    for key, values in (("red", (90, 200, 40, 40)), ("green", (90, 40, 200, 40)), ("blue", (90, 40, 40, 200))):
        labels[key] = np.array(values)[part]
    labels["label"] = classes
    mesh = np.zeros(len(points), VERTEX)
    for key in mesh.dtype.names:
        mesh[key] = labels[key]
    write_mesh(folder / f"{name}_vh_clean_2.ply", mesh, triangles)
    write_mesh(folder / f"{name}_vh_clean_2.labels.ply", labels, triangles)
    # Segments are smaller than objects, and their numbers have holes.
    segments = part * 1000 + np.arange(len(points)) % 3 * 7
    named = enumerate(("floor", "office chair", "table"))
    write_annotation(folder, segments, {k: (label, np.unique(segments[part == k]).tolist()) for k, label in named})
    (folder / f"{name}.txt").write_text("axisAlignment = 0 1 0 0 -1 0 0 0 0 0 1 0 0 0 0 1\n")
    instances = np.where(part == 3, -1, part)
    return RawScan(folder, sens, poses, photos, depths, points, triangles, classes, instances)


def extract(scan: RawScan, folder: Path) -> Path:
    """What ScanNet's SensReader makes of a scan, with the mesh's files."""
    for part in ("color", "pose", "depth", "intrinsic"):
        (folder / part).mkdir(parents=True)
    for k, (pose, photo, depth) in enumerate(zip(scan.poses, scan.photos, scan.depths, strict=True)):
        (folder / "color" / f"{k}.jpg").write_bytes(photo)
        np.savetxt(folder / "pose" / f"{k}.txt", pose, fmt="%f")
        Image.fromarray(depth).save(folder / "depth" / f"{k}.png")
    k = [[FOCAL, 0, WIDTH / 2 + 0.25, 0], [0, FOCAL, HEIGHT / 2 - 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    np.savetxt(folder / "intrinsic" / "intrinsic_color.txt", np.array(k), fmt="%f")
    for file in scan.folder.iterdir():
        if file.suffix in (".ply", ".json"):
            (folder / file.name).write_bytes(file.read_bytes())
    return folder
