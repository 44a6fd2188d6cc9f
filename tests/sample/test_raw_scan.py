"""A made scan in ScanNet's files: a mesh of what is seen, and what `prepare` makes of it agrees with the truth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.io.scene_folder import read_cameras
from gsseg.prepare import ScanNetOptions, prepare_scannet
from gsseg.prepare.scan_mesh import read_points
from gsseg.sample import RoomConfig, ScanNoise, preset
from gsseg.sample.raw_scan import nyu40_class, write_raw_scan
from gsseg.sample.scanned_mesh import halved
from gsseg.sample.write import furnished

CONFIG = replace(preset("scan", 3)[0], objects=8, views=6, test_views=0, width=120, height=90)
VERTICES = 6000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scan") / "out"
    write_raw_scan(out, CONFIG, ScanNoise(), VERTICES)
    return out


@pytest.fixture(scope="module")
def scene(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scan") / "scene"
    prepare_scannet(made / "raw/scene0000_00", out, ScanNetOptions(every=1, depth=True))
    return out


def test_cut_triangles_cover_the_same_surface() -> None:
    rng = np.random.default_rng(0)
    vertices = rng.random((30, 3))
    triangles = np.stack([rng.permutation(30)[:3] for _ in range(20)]).astype(np.int64)
    triangles = np.concatenate([triangles, triangles[:1, [1, 0, 2]]])  # shares all its edges with the first
    more, parts, owner = halved(vertices, triangles, 0.2)
    assert np.array_equal(more[:30], vertices)
    corners = more[parts]
    assert np.linalg.norm(np.roll(corners, -1, 1) - corners, axis=2).max() <= 0.2
    areas = [0.5 * np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]) for c in (vertices[triangles], corners)]
    for each in range(len(triangles)):  # signed: no part is turned round
        assert np.allclose(areas[1][owner == each].sum(0), areas[0][each])
    assert np.array_equal(np.unique(parts[owner == 0]), np.unique(parts[owner == 20]))


def test_the_mesh_is_what_the_frames_see(scene: Path) -> None:
    points = read_points(scene / "points3d.ply")
    assert abs(len(points) - VERTICES) < 0.1 * VERTICES
    xyz = np.stack([points[name] for name in "xyz"], 1).astype(np.float64)
    instances = np.load(scene / "gt/gaussian_instance.npy")
    assert instances.min() >= 0
    seen, cameras = np.zeros(len(xyz), bool), read_cameras(scene)[0]
    assert len(cameras) == CONFIG.views
    for posed in cameras:
        depth = np.asarray(Image.open(scene / f"depth/{Path(posed.name).stem}.png")) / 1000.0
        image, z = posed.camera.resized(640, 480).project(xyz)
        rows = np.flatnonzero(posed.camera.resized(640, 480).sees(image, z) & (z > 0.01))
        columns, lines = image[rows].astype(int).T
        seen[rows] |= np.abs(depth[lines, columns] - z[rows]) < 0.05 + 0.05 * z[rows]
    assert seen.mean() > 0.98


def test_masks_show_the_instances_of_the_vertices(made: Path, scene: Path) -> None:
    points, instances = read_points(scene / "points3d.ply"), np.load(scene / "gt/gaussian_instance.npy")
    xyz = np.stack([points[name] for name in "xyz"], 1).astype(np.float64)
    right = total = 0
    for posed in read_cameras(scene)[0]:
        name = Path(posed.name).stem
        ids = np.asarray(Image.open(made / f"true_masks/{name}.png")).astype(int)
        depth = np.asarray(Image.open(scene / f"depth/{name}.png").resize((120, 90), Image.Resampling.NEAREST)) / 1000.0
        image, z = posed.camera.project(xyz)
        rows = np.flatnonzero(posed.camera.sees(image, z))
        columns, lines = image[rows].astype(int).T
        front = np.abs(depth[lines, columns] - z[rows]) < 0.03
        right += (ids[lines, columns][front] - 1 == instances[rows][front]).sum()
        total += front.sum()
    assert total > 3000
    assert right > 0.95 * total
    masks = sorted(file.name for file in (made / "masks").iterdir())
    assert set(masks) <= {f"{k:06d}.png" for k in range(CONFIG.views)}
    assert len(masks) >= CONFIG.views - 1


def test_classes_are_those_of_the_names(scene: Path) -> None:
    instances, classes = np.load(scene / "gt/gaussian_instance.npy"), np.load(scene / "gt/gaussian_semantic.npy")
    names = [item.name for item in furnished(CONFIG)[0].items]
    assert all(classes[k] == nyu40_class(names[instances[k]]) for k in range(len(classes)))
    known = {"wall": 1, "floor": 2, "fridge": 24, "office chair": 5, "mug": 40}
    assert {name: nyu40_class(name) for name in known} == known


def test_a_scan_holds_no_view_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="test_views is 8"):
        write_raw_scan(tmp_path / "out", RoomConfig(layout="scan"), ScanNoise())
    assert not (tmp_path / "out").exists()
