"""A scene small enough to be learnt in seconds: photos of known splats, and the points that they stand on."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.io.ply import write_splats
from gsseg.render.drawing import draw
from gsseg.render.projection import project
from gsseg.scene import Camera, Gaussians
from gsseg.scene.sh import SH_0, seen_colors

WIDTH, HEIGHT, VIEWS = 56, 48, 9


def truth() -> Gaussians:
    """A ball of 60 coloured Gaussians."""
    rng = np.random.default_rng(5)
    means = rng.normal(size=(60, 3))
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    sh = torch.tensor((rng.random((60, 1, 3)) - 0.5) / SH_0, dtype=torch.float32)
    quats = rng.normal(size=(60, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    return Gaussians(
        means=torch.tensor(means, dtype=torch.float32),
        log_scales=torch.tensor(np.log(rng.uniform(0.12, 0.4, (60, 3))), dtype=torch.float32),
        quats_wxyz=torch.tensor(quats, dtype=torch.float32),
        opacity_logits=torch.full((60,), 2.0),
        sh=sh,
        drawable=torch.ones(60, dtype=torch.bool),
    )


def pose(angle: float) -> np.ndarray:
    """Camera to world, OpenGL axes: on a circle of radius 4, looking at the middle."""
    back = np.array([np.sin(angle), 0.3, np.cos(angle)])
    back /= np.linalg.norm(back)
    right = np.cross([0, 1, 0], back)
    right /= np.linalg.norm(right)
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = np.stack([right, np.cross(back, right), back], 1), 4 * back
    return out


def picture(gaussians: Gaussians, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Colours over black (bytes) and opacity (bytes)."""
    projected = project(gaussians, camera)
    colors = np.ascontiguousarray(seen_colors(gaussians, camera.position).numpy()[projected.rows])
    drawing = draw(projected, colors, camera)
    pixels = drawing.picture[:, :, : camera.width].transpose(1, 2, 0)
    opacity = 1 - drawing.light[:, : camera.width]
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8), (opacity * 255 + 0.5).astype(np.uint8)


def write_ball(scene: Path, points: bool = True) -> Path:
    """A SCENE folder with photos, transforms.json and, if wanted, sparse_pc.ply; no splats."""
    (scene / "images").mkdir(parents=True)
    gaussians, frames = truth(), []
    for i in range(VIEWS):
        matrix = pose(2 * np.pi * i / VIEWS)
        camera = Camera(
            WIDTH, HEIGHT, 70.0, 70.0, WIDTH / 2, HEIGHT / 2, np.linalg.inv(matrix @ np.diag([1.0, -1, -1, 1]))
        )
        Image.fromarray(picture(gaussians, camera)[0]).save(scene / "images" / f"{i:02d}.png")
        frames.append({"file_path": f"images/{i:02d}.png", "transform_matrix": matrix.tolist()})
    meta = {"w": WIDTH, "h": HEIGHT, "fl_x": 70.0, "fl_y": 70.0, "frames": frames}
    (scene / "transforms.json").write_text(json.dumps(meta))
    if points:
        rows = np.zeros(60, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")])
        for axis, name in enumerate("xyz"):
            rows[name] = gaussians.means[:, axis].numpy()
        for name in ("red", "green", "blue"):
            rows[name] = 128
        write_splats(scene / "sparse_pc.ply", rows)
    return scene


@pytest.fixture
def ball(tmp_path: Path) -> Path:
    """The scene with points, made anew for each test."""
    return write_ball(tmp_path / "ball")
