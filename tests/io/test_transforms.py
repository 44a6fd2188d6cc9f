"""transforms.json in its variants: poses, intrinsics, lenses, and frames that must be left out."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from gsseg.io.nerfstudio_world import follow_nerfstudio
from gsseg.io.posed import PhotoIndex
from gsseg.io.transforms import find_transforms, read_transforms

POSE = np.array([[0.0, 0.0, 1.0, 3.0], [1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.25], [0.0, 0.0, 0.0, 1.0]])
BASE = {"w": 32, "h": 24, "fl_x": 30.0}


def write(path, frames, **meta):
    path.write_text(json.dumps({**meta, "frames": frames}))
    return path


def frame(name="images/a.png", pose=POSE, **values):
    return {"file_path": name, "transform_matrix": np.asarray(pose).tolist(), **values}


def test_pose_is_turned_from_opengl_to_opencv(tmp_path):
    (one,), notes = read_transforms(write(tmp_path / "t.json", [frame()], **BASE))
    assert notes == []
    assert np.allclose(one.camera.position, POSE[:3, 3])
    # OpenGL: the camera looks along -z of its own axes, and +y is up.
    _, forward = one.camera.ray(one.camera.cx, one.camera.cy)
    assert np.allclose(forward, -POSE[:3, 2])
    _, above = one.camera.ray(one.camera.cx, 0.0)
    assert (above - forward) @ POSE[:3, 1] > 0
    assert (one.camera.fx, one.camera.fy, one.camera.cx, one.camera.cy) == (30, 30, 16, 12)
    assert one.lens is None


def test_a_frames_own_intrinsics_win(tmp_path):
    frames = [frame("a"), frame("b", w=64, h=48, fl_x=70, fl_y=71, cx=30, cy=20)]
    first, second = read_transforms(write(tmp_path / "t.json", frames, **BASE))[0]
    assert (first.camera.width, first.camera.fx) == (32, 30)
    assert (second.camera.width, second.camera.fx, second.camera.fy, second.camera.cx) == (64, 70, 71, 30)


@pytest.mark.parametrize(
    ("meta", "model", "params"),
    [
        ({"k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4}, "OPENCV", (0.1, 0.2, 0.3, 0.4)),
        ({"k1": 0.1, "k3": 0.5}, "FULL_OPENCV", (0.1, 0, 0, 0, 0.5, 0, 0, 0)),
        ({"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k4": 0.2}, "OPENCV_FISHEYE", (0.1, 0, 0, 0.2)),
        ({"is_fisheye": True}, "OPENCV_FISHEYE", (0, 0, 0, 0)),
        ({"camera_model": "SIMPLE_RADIAL", "k1": 0.1}, "OPENCV", (0.1, 0, 0, 0)),
    ],
)
def test_lenses(tmp_path, meta, model, params):
    (one,), _ = read_transforms(write(tmp_path / "t.json", [frame()], **BASE, **meta))
    assert one.lens.model == model
    assert one.lens.params == (30, 30, 16, 12, *params)


def test_blenders_variant_takes_size_and_suffix_from_the_photo(tmp_path):
    (tmp_path / "train").mkdir()
    Image.new("RGBA", (40, 20)).save(tmp_path / "train" / "r_0.png")
    path = write(tmp_path / "transforms_train.json", [frame("./train/r_0"), frame("./train/r_1")], camera_angle_x=0.8)
    posed, notes = read_transforms(path, PhotoIndex(tmp_path))
    assert [one.name for one in posed] == ["train/r_0"]
    assert posed[0].photo == tmp_path / "train" / "r_0.png"
    assert (posed[0].camera.width, posed[0].camera.height) == (40, 20)
    assert posed[0].camera.fx == posed[0].camera.fy == pytest.approx(20 / math.tan(0.4))
    assert len(notes) == 1
    assert notes[0].startswith("1 of 2 frames")


@pytest.mark.parametrize(
    "name", ["./images/a.b", "images/a.b.png", "a.b.png", "a.b", "images\\a.b.JPG", "/elsewhere/images_4/a.b.jpg"]
)
def test_odd_forms_of_file_path_find_the_photo(tmp_path, name):
    (tmp_path / "images").mkdir()
    photo = tmp_path / "images" / "a.b.JPG"
    Image.new("RGB", (32, 24)).save(photo, "JPEG")
    (one,), _ = read_transforms(write(tmp_path / "t.json", [frame(name)], **BASE), PhotoIndex(tmp_path))
    assert one.photo == photo
    assert one.name.split("/")[-1] == "a.b"


def test_poses_that_are_not_finite_are_left_out_and_counted(tmp_path):
    frames = [frame("a"), frame("b", np.full((4, 4), -np.inf)), frame("c", np.full((4, 4), np.nan))]
    posed, notes = read_transforms(write(tmp_path / "t.json", frames, **BASE))
    assert [one.name for one in posed] == ["a"]
    assert notes == ["2 of 3 frames have no finite pose and are left out, e.g. b."]


def test_a_pose_rounded_to_four_digits_is_made_rigid_and_three_rows_suffice(tmp_path):
    angle = 0.7
    turn = [[math.cos(angle), -math.sin(angle), 0, 1], [math.sin(angle), math.cos(angle), 0, 2], [0, 0, 1, 3]]
    (one,), _ = read_transforms(write(tmp_path / "t.json", [frame(pose=np.round(turn, 4))], **BASE))
    rotation = one.camera.T_camera_world[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)


def test_which_files_are_read(tmp_path):
    for name in ("transforms_test.json", "transforms_train.json"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in find_transforms(tmp_path)] == ["transforms_train.json", "transforms_test.json"]
    (tmp_path / "transforms.json").write_text("{}")
    assert [path.name for path in find_transforms(tmp_path)] == ["transforms.json"]


def test_nerfstudios_world_keeps_every_point_on_its_pixel(tmp_path):
    turn = np.array([[0.0, -1.0, 0.0, 5.0], [1.0, 0.0, 0.0, -2.0], [0.0, 0.0, 1.0, 1.0]])
    applied = np.array([[1.0, 0.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 0.0]])
    path = write(tmp_path / "t.json", [frame()], **BASE, applied_transform=applied.tolist())
    parser = tmp_path / "dataparser_transforms.json"
    parser.write_text(json.dumps({"transform": turn.tolist(), "scale": 0.2}))
    (before,), _ = read_transforms(path)
    (after,) = follow_nerfstudio([before], path, parser)
    original = np.array([0.3, -0.2, 0.7])
    in_json = applied[:, :3] @ original + applied[:, 3]
    in_splats = 0.2 * (turn[:, :3] @ original + turn[:, 3])
    seen_before = before.camera.T_camera_world[:3] @ [*in_json, 1]
    seen_after = after.camera.T_camera_world[:3] @ [*in_splats, 1]
    assert np.allclose(seen_after, 0.2 * seen_before)
