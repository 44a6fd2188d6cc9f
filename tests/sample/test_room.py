"""The made scene on disk: the same bytes for a seed, truth that agrees with what is seen, the promised layout."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.splat_formats import read_splats
from gsseg.sample import MaskNoise, RoomConfig, holds_room, preset, write_room
from gsseg.sample.write import furnished

SMALL = RoomConfig(seed=4, objects=12, gaussians=12_000, views=10, test_views=2, width=128, height=96)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_room(tmp_path_factory.mktemp("sample") / "room", SMALL, MaskNoise())


@pytest.fixture(scope="module")
def cameras(room: Path) -> dict[str, np.ndarray]:
    """World-to-camera of each view, OpenCV axes, read from transforms.json."""
    meta = json.loads((room / "transforms.json").read_text())
    flip = np.diag([1.0, -1.0, -1.0, 1.0])
    return {
        Path(frame["file_path"]).stem: np.linalg.inv(np.array(frame["transform_matrix"]) @ flip)
        for frame in meta["frames"]
    }


def _bytes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _ids(room: Path, name: str) -> np.ndarray:
    return np.array(Image.open(room / "gt" / "ids" / f"{name}.png")).astype(int)


def test_same_seed_same_bytes(room: Path, tmp_path: Path) -> None:
    assert _bytes(write_room(tmp_path / "again", SMALL, MaskNoise())) == _bytes(room)


def test_other_seed_other_room(room: Path) -> None:
    home, _ = furnished(replace(SMALL, seed=5))
    there = json.loads((room / "gt" / "scene.json").read_text())["instances"]
    assert [item.name for item in home.items] != [item["name"] for item in there]


def test_layout_of_the_folder(room: Path) -> None:
    names = [f"view_{k:03d}" for k in range(12)]
    held_out = json.loads((room / "gt" / "test_views.json").read_text())
    assert len(held_out) == 2
    assert {path.stem for path in (room / "images").iterdir()} == set(names)
    assert {path.stem for path in (room / "gt" / "ids").iterdir()} == set(names)
    assert {path.stem for path in (room / "masks").iterdir()} == set(names) - set(held_out)
    meta = json.loads((room / "transforms.json").read_text())
    assert (meta["w"], meta["h"]) == (128, 96)
    assert [frame["file_path"] for frame in meta["frames"]] == [f"images/{name}.png" for name in names]
    for folder, mode in (("images", "RGB"), ("masks", "I;16"), ("gt/ids", "I;16")):
        with Image.open(room / folder / f"{names[0]}.png") as picture:
            assert (picture.size, picture.mode) == ((128, 96), mode)


def test_counts(room: Path) -> None:
    truth = np.load(room / "gt" / "gaussian_instance.npy")
    assert truth.dtype == np.int32
    assert truth.shape == (12_000,)
    assert (truth == -1).mean() == pytest.approx(SMALL.floaters, abs=1e-4)
    items = json.loads((room / "gt" / "scene.json").read_text())["instances"]
    assert set(np.unique(truth)) - {-1} == set(range(len(items)))
    designs = [item["design"] for item in items]
    assert len(set(designs)) < len(designs) - 5  # several things are there more than once
    assert sum(item["name"] == "wall" for item in items) == 4


def test_splats_are_usable_as_they_are(room: Path) -> None:
    file = read_splats(room / "splats.ply")
    assert file.notes == []
    gaussians = file.gaussians
    assert bool(gaussians.drawable.all())
    assert float(gaussians.quats_wxyz.norm(dim=1).sub(1).abs().max()) < 1e-5
    assert 0.8 < float(gaussians.opacities.median()) < 0.95


def test_discs_lie_flat_on_their_surface(room: Path) -> None:
    gaussians = read_splats(room / "splats.ply").gaussians
    truth = np.load(room / "gt" / "gaussian_instance.npy")
    floor = np.flatnonzero(truth == 0)
    x, y = gaussians.quats_wxyz.numpy()[floor, 1:3].T
    normal_up = 1 - 2 * (x * x + y * y)  # z component of the turned z axis
    assert (np.abs(normal_up) > 0.99).mean() > 0.9
    assert np.median(np.abs(gaussians.means.numpy()[floor, 2])) < 0.02
    scales = gaussians.scales.numpy()[floor]
    assert np.median(scales[:, 2] / scales[:, :2].mean(1)) < 0.3


def test_truth_agrees_with_the_rays(room: Path, cameras: dict[str, np.ndarray]) -> None:
    means = read_splats(room / "splats.ply").gaussians.means.numpy().astype(float)
    truth = np.load(room / "gt" / "gaussian_instance.npy")
    meta = json.loads((room / "transforms.json").read_text())
    right, counted = 0, 0
    for name, T_camera_world in cameras.items():
        ids = _ids(room, name)
        local = means @ T_camera_world[:3, :3].T + T_camera_world[:3, 3]
        z = local[:, 2].clip(1e-6)
        u = np.floor(local[:, 0] / z * meta["fl_x"] + meta["cx"]).astype(int)
        v = np.floor(local[:, 1] / z * meta["fl_y"] + meta["cy"]).astype(int)
        rows = np.flatnonzero((local[:, 2] > 0) & (u >= 0) & (u < 128) & (v >= 0) & (v < 96) & (truth >= 0))
        # The front-most centre of each 4 x 4 block of pixels stands for what is seen there.
        block = v[rows] // 4 * 32 + u[rows] // 4
        order = np.lexsort((z[rows], block))
        front = rows[order[np.unique(block[order], return_index=True)[1]]]
        right += int((ids[v[front], u[front]] == truth[front] + 1).sum())
        counted += len(front)
    assert counted > 2000
    assert right / counted > 0.9


def test_photos_show_what_the_splats_are_coloured(room: Path, cameras: dict[str, np.ndarray]) -> None:
    file = read_splats(room / "splats.ply")
    means, truth = file.gaussians.means.numpy().astype(float), np.load(room / "gt" / "gaussian_instance.npy")
    colours = 0.5 + 0.28209479 * file.gaussians.sh[:, 0].numpy()
    meta = json.loads((room / "transforms.json").read_text())
    floor = np.flatnonzero((truth == 0) & (means[:, 2] > -0.01))
    errors = []
    for name, T_camera_world in cameras.items():
        photo = np.array(Image.open(room / "images" / f"{name}.png")) / 255.0
        local = means[floor] @ T_camera_world[:3, :3].T + T_camera_world[:3, 3]
        z = local[:, 2].clip(1e-6)
        u = np.floor(local[:, 0] / z * meta["fl_x"] + meta["cx"]).astype(int)
        v = np.floor(local[:, 1] / z * meta["fl_y"] + meta["cy"]).astype(int)
        rows = np.flatnonzero((local[:, 2] > 0) & (u >= 0) & (u < 128) & (v >= 0) & (v < 96))
        rows = rows[_ids(room, name)[v[rows], u[rows]] == 1]
        errors.append(photo[v[rows], u[rows]] - colours[floor[rows]])
    error = np.concatenate(errors)
    assert len(error) > 1000
    assert np.abs(error.mean(0)).max() < 0.03
    assert np.abs(error).mean() < 0.1


def test_small_things_are_seen_by_several_views(room: Path) -> None:
    held_out = json.loads((room / "gt" / "test_views.json").read_text())
    items = json.loads((room / "gt" / "scene.json").read_text())["instances"]
    views = np.zeros(len(items), int)
    for path in (room / "masks").iterdir():
        ids = _ids(room, path.stem)
        views += np.bincount(ids[ids > 0] - 1, minlength=len(items)) >= 8
    assert held_out
    assert np.median(views) >= 3
    assert (views >= 2).mean() > 0.85


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not an empty folder"):
        write_room(tmp_path, SMALL, MaskNoise())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_holds_room(room: Path, tmp_path: Path) -> None:
    assert holds_room(room, SMALL, MaskNoise())
    assert not holds_room(room, replace(SMALL, seed=9), MaskNoise())
    assert not holds_room(room, SMALL, MaskNoise(split=0.5))
    assert not holds_room(tmp_path, SMALL, MaskNoise())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_flat_has_several_connected_rooms(seed: int) -> None:
    config, noise = preset("flat", seed)
    home, cams = furnished(replace(config, views=12, test_views=2, objects=20))
    assert 3 <= len(home.rooms) <= 5
    assert len(cams) == 14
    assert 50 <= len(home.items) <= 110
    assert (noise.split, noise.missing, noise.merge) == (0.30, 0.15, 0.10)
    inside = [any(rect.holds(*camera.position[:2]) for rect in home.rooms) for camera in cams]
    assert all(inside)


def test_presets() -> None:
    room, mild = preset("room", 7)
    hard_room, hard = preset("hard", 7)
    assert room == hard_room
    assert (mild.split, mild.missing) == (0.25, 0.10)
    assert (hard.split, hard.missing) == (0.40, 0.25)
