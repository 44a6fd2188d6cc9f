"""Replica's sequences and nerfstudio's captures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.io.scene_folder import load_scene, read_cameras
from gsseg.prepare import prepare_nerfstudio, prepare_replica
from tests.prepare.raw_scan import orbit

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])


@pytest.fixture
def replica(tmp_path: Path) -> Path:
    """Twenty frames; instance 1 everywhere but in the first column, where it is the frame's number."""
    scene = tmp_path / "raw"
    for folder in ("rgb", "depth", "semantic_instance"):
        (scene / folder).mkdir(parents=True)
    for k in range(20):
        ids = np.ones((12, 16), np.uint16)
        ids[:, 0] = k
        Image.fromarray(ids).save(scene / "semantic_instance" / f"semantic_instance_{k}.png")
        Image.fromarray(ids * 1000).save(scene / "depth" / f"depth_{k}.png")
        Image.new("RGB", (16, 12), (k, 0, 0)).save(scene / "rgb" / f"rgb_{k}.png")
    np.savetxt(scene / "traj_w_c.txt", orbit(20).reshape(20, 16))
    return scene


def test_instance_pictures_become_masks_and_truth(replica: Path, tmp_path: Path) -> None:
    out = tmp_path / "scene"
    assert prepare_replica(replica, out, every=2, depth=True).counts == {"frames": 10, "held out": 2}
    assert json.loads((out / "gt/test_views.json").read_text()) == ["rgb_00000", "rgb_00016"]
    assert sorted(file.stem for file in (out / "gt/ids").iterdir()) == ["rgb_00000", "rgb_00016"]
    assert [int(file.stem[-2:]) for file in sorted((out / "masks").iterdir())] == [2, 4, 6, 8, 10, 12, 14, 18]
    mask = np.asarray(Image.open(out / "masks/rgb_00006.png"))
    assert mask[0].tolist() == [6, *[1] * 15]
    for camera, pose in zip(read_cameras(out)[0], orbit(20)[::2], strict=True):
        assert np.allclose(camera.camera.T_camera_world, np.linalg.inv(pose), atol=1e-5)
        assert (camera.camera.fx, camera.camera.cx, camera.camera.cy) == (8.0, 8.0, 6.0)
    assert (out / "depth/rgb_00004.png").read_bytes() == (replica / "depth/depth_4.png").read_bytes()


def test_few_frames_are_all_for_training(replica: Path, tmp_path: Path) -> None:
    assert prepare_replica(replica, tmp_path / "scene", every=5).counts == {"frames": 4, "held out": 0}
    assert not (tmp_path / "scene/gt").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: (s / "traj_w_c.txt").write_text("1 2 3\n"), "line 1 is no matrix"),
        (lambda s: (s / "traj_w_c.txt").write_text("1 " * 15 + "inf"), "not finite"),
        (lambda s: (s / "traj_w_c.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\n"), "holds 1 poses"),
        (lambda s: (s / "traj_w_c.txt").write_bytes(b"\xff\xfe"), "no text of poses"),
        (lambda s: (s / "rgb").rename(s / "gone"), "holds no pictures rgb_0.png"),
        (lambda s: (s / "semantic_instance/semantic_instance_4.png").unlink(), "lacks the picture 4"),
        (lambda s: Image.new("RGB", (8, 8)).save(s / "rgb/rgb_4.png"), "is 8 x 8 pixels"),
    ],
)
def test_what_is_wrong_with_a_sequence(replica: Path, tmp_path: Path, spoil, words: str) -> None:
    spoil(replica)
    with pytest.raises(InputError, match=words):
        prepare_replica(replica, tmp_path / "scene", every=2)
    assert [file.name for file in tmp_path.iterdir()] == ["raw"]


TURNED = np.array([[0.0, 1, 0, 0.5], [1, 0, 0, 0], [0, 0, -1, 2]])


@pytest.fixture
def nerfstudio(tmp_path: Path) -> Path:
    """A capture whose world ns-process-data has turned; one of its photos is missing."""
    raw = tmp_path / "raw"
    (raw / "images").mkdir(parents=True)
    frames = []
    for k, pose in enumerate(orbit(5)):
        turned = np.vstack([TURNED, [0, 0, 0, 1]]) @ pose @ FLIP
        frames.append({"file_path": f"images/frame_{k}.jpg", "transform_matrix": turned.tolist(), "colmap_im_id": k})
        if k != 3:
            Image.new("RGB", (40, 30), (k, 0, 0)).save(raw / "images" / f"frame_{k}.jpg")
    meta = {"w": 40, "h": 30, "fl_x": 30.0, "fl_y": 30.0, "cx": 20.0, "cy": 15.0, "k1": 0.01, "k2": 0.0,
            "camera_model": "OPENCV", "applied_transform": TURNED.tolist(), "ply_file_path": "sparse_pc.ply",
            "frames": frames}  # fmt: skip
    (raw / "transforms.json").write_text(json.dumps(meta))
    return raw


def test_a_turned_world_is_put_right(nerfstudio: Path, tmp_path: Path) -> None:
    out = tmp_path / "scene"
    made = prepare_nerfstudio(nerfstudio, out)
    assert made.counts == {"frames": 4}
    assert made.notes == ("1 of 5 frames have no photo and are left out.",)
    cameras = read_cameras(out)[0]
    for camera, pose in zip(cameras, orbit(5)[[0, 1, 2, 4]], strict=True):
        assert np.allclose(camera.camera.T_camera_world, np.linalg.inv(pose), atol=1e-5)
        assert camera.lens is not None
        assert camera.photo is not None
    meta = json.loads((out / "transforms.json").read_text())
    assert "applied_transform" not in meta
    assert meta["frames"][3]["colmap_im_id"] == 4


def test_cameras_follow_splats_as_in_a_scene_that_is_loaded(nerfstudio: Path, tmp_path: Path, make_columns) -> None:
    trained = tmp_path / "trained"
    trained.mkdir()
    write_splats(trained / "splat.ply", make_columns(20))
    moved = {"transform": [[0.0, 0, 1, 1], [1, 0, 0, 2], [0, 1, 0, 3]], "scale": 0.25}
    (trained / "dataparser_transforms.json").write_text(json.dumps(moved))
    out = tmp_path / "scene"
    prepare_nerfstudio(nerfstudio, out, splats=trained / "splat.ply")
    expected = load_scene(nerfstudio, trained / "splat.ply").views
    found = load_scene(out).views
    assert [view.name for view in found] == [view.name for view in expected]
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a.camera.T_camera_world, b.camera.T_camera_world, atol=1e-6)
    (trained / "dataparser_transforms.json").unlink()
    with pytest.raises(InputError, match="dataparser_transforms"):
        prepare_nerfstudio(nerfstudio, tmp_path / "other", splats=trained / "splat.ply")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: (s / "transforms.json").unlink(), r"no transforms\.json"),
        (lambda s: (s / "transforms.json").write_text("[]"), "no object"),
        (lambda s: (s / "images").rename(s / "gone"), "none of the photos"),
    ],
)
def test_what_is_wrong_with_a_capture(nerfstudio: Path, tmp_path: Path, spoil, words: str) -> None:
    spoil(nerfstudio)
    with pytest.raises(InputError, match=words):
        prepare_nerfstudio(nerfstudio, tmp_path / "scene")
