"""Photos to cameras: known places come back, what does not fit is named, and bad input leaves nothing behind."""

import json

import numpy as np
import pycolmap
import pytest
from PIL import Image

from gsseg.cli import main
from gsseg.errors import InputError
from gsseg.io.scene_folder import read_cameras
from gsseg.poses.config import PosesConfig
from gsseg.poses.estimate import estimate_poses
from tests.poses.conftest import FOCAL, HEIGHT, WIDTH


def similar(source, target):
    """``source`` after the similarity transform that brings it nearest to ``target`` (Umeyama 1991)."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (s * np.diag(flip)).sum() / (a**2).sum()
    return scale * a @ (u @ flip @ vt).T + target.mean(0)


@pytest.fixture(scope="module")
def corner(make_corner):
    """Eight photos of a corner."""
    return make_corner()


@pytest.fixture(scope="module")
def solved(corner, tmp_path_factory):
    """The scene folder made from them, and the summary."""
    out = tmp_path_factory.mktemp("solved") / "scene"
    return out, estimate_poses(corner.photos, out)


def test_cameras_are_where_the_photos_were_taken(corner, solved):
    out, summary = solved
    posed = sorted(read_cameras(out)[0], key=lambda camera: camera.name)
    assert [camera.name for camera in posed] == [f"view_{row}" for row in range(8)]
    found = np.array([np.linalg.inv(camera.camera.T_camera_world)[:3, 3] for camera in posed])
    extent = np.ptp(corner.centers, axis=0).max()
    assert np.linalg.norm(similar(found, corner.centers) - corner.centers, axis=1).max() < 0.01 * extent
    assert summary.registered == 8
    assert not summary.left_out
    assert not summary.warnings
    assert summary.focal_length == pytest.approx(FOCAL, rel=0.02)
    assert summary.reprojection_error < 1


def test_the_scene_is_pinhole_whole_and_explained(solved):
    out, summary = solved
    assert {path.name for path in out.iterdir()} == {"images", "sparse", "poses.json"}
    posed, notes = read_cameras(out)
    assert not notes
    for each in posed:
        assert each.lens is None
        assert each.photo is not None
        with Image.open(each.photo) as picture:
            assert picture.size == (each.camera.width, each.camera.height)
    model = pycolmap.Reconstruction(out / "sparse" / "0")
    assert model.num_points3D() == summary.points > 100
    assert len(model.cameras) == 1
    assert json.loads((out / "poses.json").read_text()) == json.loads(json.dumps(summary.values()))


def test_undistorted_photos_show_what_the_photos_showed(corner, solved):
    before = np.asarray(Image.open(corner.photos / "view_3.png").convert("L"), np.float64)
    after = Image.open(solved[0] / "images" / "view_3.png").convert("L").resize((WIDTH, HEIGHT))
    inner = (slice(20, -20), slice(20, -20))
    assert np.corrcoef(before[inner].ravel(), np.asarray(after, np.float64)[inner].ravel())[0, 1] > 0.9


def test_a_photo_of_elsewhere_is_left_out_and_told_why(make_corner, tmp_path):
    corner = make_corner(6)
    other = make_corner(1, seed=5)
    (other.photos / "view_0.png").rename(corner.photos / "elsewhere.png")
    Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90)).save(corner.photos / "plain.png")
    summary = estimate_poses(corner.photos, tmp_path / "scene")
    assert summary.registered == 6
    assert set(summary.left_out) == {"elsewhere.png", "plain.png"}
    assert "features" in summary.left_out["plain.png"]
    assert "2 of 8 photos have no camera" in summary.warnings[0]


def test_unrelated_photos_end_with_one_line(tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for row in range(4):
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(photos / f"{row}.png")
    assert main(["poses", str(photos), str(tmp_path / "new" / "scene"), "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "no 3 of its 4 photos show one place" in captured.err
    assert captured.out == ""
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda photos: [path.unlink() for path in photos.glob("view_[2-9].png")], "holds 2 photos"),
        (lambda photos: (photos / "view_1.png").write_bytes(b"no picture"), "is not a picture"),
        (lambda photos: (photos / "view_1.jpg").write_bytes((photos / "view_2.png").read_bytes()), "one view's name"),
        (lambda photos: (photos / "view_1.png").write_bytes((photos / "view_1.png").read_bytes()[:900]), "damaged"),
    ],
)
def test_bad_photos_are_found_before_the_work(make_corner, tmp_path, spoil, problem):
    photos = make_corner(4).photos
    spoil(photos)
    with pytest.raises(InputError, match=problem):
        estimate_poses(photos, tmp_path / "scene")
    assert not (tmp_path / "scene").exists()


def test_what_is_there_is_not_touched(corner, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="is not an empty folder"):
        estimate_poses(corner.photos, tmp_path)
    with pytest.raises(InputError, match="is no folder of photos"):
        estimate_poses(tmp_path / "absent", tmp_path / "scene")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_an_interrupt_leaves_nothing(corner, tmp_path):
    def interrupted(stage, done, total):
        if stage == "cameras" and done > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate_poses(corner.photos, tmp_path / "scene", progress=interrupted)
    assert list(tmp_path.iterdir()) == []


def test_the_scene_goes_beside_the_photos_by_default(make_corner, capsys):
    photos = make_corner(5).photos
    assert main(["poses", str(photos), "--json"]) == 0
    told = capsys.readouterr()
    summary = json.loads(told.out.splitlines()[-1])
    assert summary["registered"] == 5
    assert summary["scene"] == str(photos.parent / "photos-scene")
    assert told.err == ""


def test_other_pairs_find_the_same_cameras(corner, tmp_path):
    for pairs in ("order", "alike"):
        summary = estimate_poses(corner.photos, tmp_path / pairs, PosesConfig(pairs=pairs))
        assert summary.registered == 8


@pytest.mark.parametrize("field", ["max_side", "max_features", "seed"])
def test_configuration_checks_itself(field):
    with pytest.raises(ValueError, match=field):
        PosesConfig(**{field: -1})
