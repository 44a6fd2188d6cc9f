"""What a SCENE folder gives to training, and what is said of one that gives too little."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.sparse_points import find_points, read_points
from gsseg.splats import scene
from gsseg.splats.initial import RANDOM_POINTS
from gsseg.splats.photos import PhotoCache
from gsseg.splats.scene import load_splat_scene


def load(scene: Path, every: int = 4, listed: Path | None = None):
    return load_splat_scene(scene, scene / "splats.ply", None, None, every, listed, 0)


def points_bin(path: Path, rows: list[tuple], tracks: int = 2) -> None:
    body = struct.pack("<Q", len(rows))
    for i, (x, y, z, r, g, b) in enumerate(rows):
        body += struct.pack("<Q3d3BdQ", i, x, y, z, r, g, b, 0.5, tracks) + bytes(8 * tracks)
    path.write_bytes(body)


ROWS = [(0.0, 1.0, 2.0, 255, 0, 51), (1.0, 0.0, 0.5, 0, 255, 0), (2.0, 2.0, 2.0, 1, 2, 3), (3.0, 1.0, 0.0, 9, 9, 9)]


def test_binary_and_text_points_are_the_same(tmp_path: Path):
    points_bin(tmp_path / "points3D.bin", [*ROWS, (float("nan"), 0, 0, 0, 0, 0)])
    lines = ["# points"] + [f"{i} {' '.join(map(str, row))} 0.5 1 2" for i, row in enumerate(ROWS)]
    (tmp_path / "points3D.txt").write_text("\n".join(lines))
    (binary, colors), notes = read_points(tmp_path, tmp_path / "points3D.bin", tmp_path / "splats.ply")
    (text, same), none = read_points(tmp_path, tmp_path / "points3D.txt", tmp_path / "splats.ply")
    assert np.array_equal(binary, np.array(ROWS)[:, :3])
    assert np.array_equal(text, binary)
    assert np.array_equal(colors, same)
    assert colors[0].tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert "1 of 5 points" in notes[0]
    assert none == []


def test_colmaps_points_follow_nerfstudios_turn(ball: Path):
    meta = json.loads((ball / "transforms.json").read_text())
    meta["applied_transform"] = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 5]]
    (ball / "transforms.json").write_text(json.dumps(meta))
    points_bin(ball / "points3D.bin", ROWS)
    (turned, _), _ = read_points(ball, ball / "points3D.bin", ball / "splats.ply")
    assert np.allclose(turned[0], (1.0, 0.0, 3.0))
    own = read_points(ball, ball / "sparse_pc.ply", ball / "splats.ply")[0][0]
    assert len(own) == 60  # nerfstudio's own file is in that world already
    assert np.allclose(np.linalg.norm(own, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("length", [4, 60, -9])
def test_cut_points_are_refused(tmp_path: Path, length: int):
    points_bin(tmp_path / "points3D.bin", ROWS)
    (tmp_path / "points3D.bin").write_bytes((tmp_path / "points3D.bin").read_bytes()[:length])
    with pytest.raises(InputError, match="truncated"):
        read_points(tmp_path, tmp_path / "points3D.bin", tmp_path / "splats.ply")


def test_photos_are_kept_apart(ball: Path, tmp_path: Path):
    assert [view.name for view in load(ball).test] == ["00", "04", "08"]
    assert load(ball, 0).test == []
    (tmp_path / "names.json").write_text('["03"]')
    assert [view.name for view in load(ball, 4, tmp_path / "names.json").test] == ["03"]
    (tmp_path / "names.json").write_text('["33"]')
    with pytest.raises(InputError, match="no photo"):
        load(ball, 4, tmp_path / "names.json")


def test_random_points_where_there_are_none(ball: Path):
    (ball / "sparse_pc.ply").unlink()
    assert find_points(ball) is None
    found = load(ball)
    assert "random" in found.notes[-1]
    assert len(found.points.positions) == RANDOM_POINTS
    camera = found.train[0].camera
    assert camera.sees(*camera.project(found.points.positions)).mean() > 0.1


def test_bounded_caches_give_the_same_photos(ball: Path):
    views = load(ball).train
    large, small = PhotoCache(views, 64), PhotoCache(views, 1)
    small._budget = 1
    for index in (0, 1, 0):
        assert np.array_equal(large.read(index, 2).pixels, small.read(index, 2).pixels)
    assert len(small._kept) == 1


def test_photos_with_alpha(ball: Path):
    path = ball / "images" / "01.png"
    pixels = np.dstack([np.asarray(Image.open(path)), np.zeros((48, 56), np.uint8)])
    pixels[10:20, :, 3] = 255
    Image.fromarray(pixels).save(path)
    view = next(view for view in load(ball).train if view.name == "01")
    photo = PhotoCache([view], 1).read(0, 1)
    assert photo.clear is not None
    assert photo.clear[:, :56].mean() == pytest.approx(38 / 48)
    pixels[:, :, 3] = 0
    Image.fromarray(pixels).save(path)
    with pytest.raises(InputError, match="transparent everywhere"):
        PhotoCache([view], 1).read(0, 1)


def test_points_of_another_world_are_refused(ball: Path):
    points_bin(ball / "points3D.bin", ROWS)
    meta = json.loads((ball / "transforms.json").read_text())
    meta["applied_transform"] = [[1, 0, 0, 0], [0, 1, 0, 1e5], [0, 0, 1, 0]]
    (ball / "transforms.json").write_text(json.dumps(meta))
    (ball / "sparse_pc.ply").unlink()
    (ball / "sparse" / "0").mkdir(parents=True)
    (ball / "points3D.bin").rename(ball / "sparse" / "0" / "points3D.bin")
    (ball / "sparse" / "0" / "images.txt").write_text("")
    with pytest.raises(InputError, match="picture of any camera"):
        load(ball)


def test_one_photo_is_too_few(ball: Path):
    for i in range(1, 9):
        (ball / "images" / f"{i:02d}.png").unlink()
    with pytest.raises(InputError, match="1 photo to train on"):
        load(ball)


def test_no_photos(ball: Path):
    for i in range(9):
        (ball / "images" / f"{i:02d}.png").unlink()
    with pytest.raises(InputError, match="no photos"):
        load(ball)


def test_points_between_given_ones_are_added_and_given_ones_stay(ball: Path, monkeypatch: pytest.MonkeyPatch):
    given = load(ball)
    found = load_splat_scene(ball, ball / "splats.ply", None, None, 4, None, 0, denser=True)
    count = len(given.points.positions)
    assert np.array_equal(found.points.positions[:count], given.points.positions)
    assert found.points.free is not None
    assert len(found.points.free.depths) == len(found.train)
    assert f"{len(found.points.positions) - count} points" in found.notes[-1]
    assert given.points.free is None
    monkeypatch.setattr(scene, "SPARSE", 0.001)  # they are not few then
    same = load_splat_scene(ball, ball / "splats.ply", None, None, 4, None, 0, denser=True)
    assert len(same.points.positions) == count


def test_no_points_are_looked_for_in_photos_with_transparent_parts(ball: Path):
    path = ball / "images" / "01.png"
    pixels = np.dstack([np.asarray(Image.open(path)), np.full((48, 56), 255, np.uint8)])
    pixels[:9, :, 3] = 0
    Image.fromarray(pixels).save(path)
    found = load_splat_scene(ball, ball / "splats.ply", None, None, 4, None, 0, denser=True)
    assert found.points.free is None
    assert len(found.points.positions) == 60
