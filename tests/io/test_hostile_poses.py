"""Pose files that name what is no photo, lead out of the scene, or describe lenses that nobody has."""

import json

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.io import lens as lens_module
from gsseg.io.colmap import CAMERA_MODELS, read_colmap
from gsseg.io.lens import sample_points, split_lens
from gsseg.io.posed import PhotoIndex, check_photo_name
from gsseg.io.scene_folder import load_scene
from gsseg.scene import Camera, Lens
from tests.io.test_colmap import example_params, write_model

NO_PHOTOS = (
    "..",
    ".",
    "/",
    ".png",
    "a/",
    "a/..",
    "x" * 5000,
    "x" * 300 + ".png",
    "a\0b",
    "a\nb.png",
    "\udcff.png",
    " ",
)


@pytest.mark.parametrize("name", NO_PHOTOS)
def test_names_that_are_no_photos(tmp_path, name):
    with pytest.raises(InputError, match="is no name of a photo"):
        check_photo_name(tmp_path, "frame 0", name)


@pytest.mark.parametrize(
    "name", ["a", "a.b.png", "../images/a b.jpg", "./\u2603/1.JPG", "/elsewhere/images/1.png", "C:\\x\\1"]
)
def test_names_that_may_be_photos(tmp_path, name):
    check_photo_name(tmp_path, "frame 0", name)


def test_a_photo_is_followed_beside_the_scene_and_no_farther(tmp_path):
    scene = tmp_path / "home" / "scene"
    for folder in (scene / "images", scene.parent / "images", tmp_path / "images"):
        folder.mkdir(parents=True)
    for path in (scene.parent / "images" / "beside.png", tmp_path / "images" / "far.png", scene / "images" / "in.png"):
        path.write_bytes(b"x")
    photos = PhotoIndex(scene)
    assert photos.find("images/in.png") == scene / "images" / "in.png"
    beside = photos.find("../images/beside")
    assert beside is not None
    assert beside.samefile(scene.parent / "images" / "beside.png")
    for name in ("../../images/far.png", "a/../../../images/far.png", str(tmp_path / "images" / "far.png")):
        assert photos.find(name) is None
    assert photos.find("/elsewhere/images/in.png") == scene / "images" / "in.png"


@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1.0, 1e200])
def test_quaternions_of_any_length_are_one_rotation(tmp_path, scale):
    poses = [((0.6 * scale, -0.48 * scale, 0.64 * scale, 0.0), (1.5, -2.0, 0.25))]
    write_model(tmp_path, "PINHOLE", "bin", ("a.png",), poses)
    rotation = read_colmap(tmp_path)[0][0].camera.T_camera_world[:3, :3]
    write_model(tmp_path, "PINHOLE", "bin", ("a.png",), [((0.6, -0.48, 0.64, 0.0), (1.5, -2.0, 0.25))])
    np.testing.assert_allclose(rotation, read_colmap(tmp_path)[0][0].camera.T_camera_world[:3, :3], atol=1e-12)


@pytest.mark.parametrize("quat", [(0.0,) * 4, (np.inf, 0.0, 0.0, 0.0), (np.nan, 1.0, 0.0, 0.0)])
def test_quaternions_that_are_none_are_left_out_or_refused(tmp_path, quat):
    write_model(tmp_path, "PINHOLE", "bin", ("a.png", "b.png"), [(quat, (0.0,) * 3), ((1.0, 0, 0, 0), (0.0,) * 3)])
    posed, notes = read_colmap(tmp_path)
    assert [one.name for one in posed] == ["b"]
    assert "1 of 2 images have no finite pose" in notes[0]


def test_cameras_beyond_all_bounds_are_refused(tmp_path):
    write_model(tmp_path, "PINHOLE", "bin", ("a.png",), [((1.0, 0, 0, 0), (1e13, 0.0, 0.0))])
    with pytest.raises(InputError, match="camera 7: the pose"):
        read_colmap(tmp_path)


@pytest.mark.parametrize("size", ["1099511627776 48", "70000 1", "0 48", "-64 48", "16384 16384", "9" * 400 + " 48"])
@pytest.mark.parametrize("model", ["PINHOLE", "OPENCV"])
def test_pictures_that_no_camera_takes_are_refused(tmp_path, model, size):
    write_model(tmp_path, model, "txt", ("a.png",), [((1.0, 0, 0, 0), (0.0, 0.0, 0.0))])
    path = tmp_path / "cameras.txt"
    path.write_text(path.read_text().replace("64 48", size))
    with pytest.raises(InputError, match="camera 7: the image size"):
        read_colmap(tmp_path)


@pytest.mark.parametrize("model", sorted({name for name, _ in CAMERA_MODELS.values()} - {"EQUIRECTANGULAR"}))
def test_rays_in_blocks_are_the_rays_at_once(monkeypatch, model):
    (fx, fy, cx, cy), lens = split_lens(model, 64, 48, example_params(model))
    if lens is None:
        return
    camera = Camera(64, 48, fx, fy, cx, cy, np.eye(4))
    whole = sample_points(camera, lens)
    lens_module._sample_points.cache_clear()
    monkeypatch.setattr(lens_module, "_BLOCK_PIXELS", 64 * 7)
    for part, expected in zip(sample_points(camera, lens), whole, strict=True):
        np.testing.assert_array_equal(part, expected)
    lens_module._sample_points.cache_clear()


@pytest.mark.parametrize("value", [1e7, np.inf, np.nan, 1e308])
def test_parameters_that_no_lens_has_are_refused(value):
    for i in range(4, 8):
        params = [50.0, 50.0, 32.0, 24.0, 0.0, 0.0, 0.0, 0.0]
        params[i] = value
        with pytest.raises(ValueError, match="parameter"):
            split_lens("OPENCV", 64, 48, params)


def test_the_largest_parameters_are_borne_without_a_word():
    for model in ("OPENCV", "OPENCV_FISHEYE", "FULL_OPENCV", "FOV", "EUCM", "DIVISION", "THIN_PRISM_FISHEYE"):
        count = next(count for name, count in CAMERA_MODELS.values() if name == model)
        for value in (1e6, -1e6, 1e-300):
            params = (50.0, 50.0, 32.0, 24.0, *[value] * (count - 4))
            fractions, _ = sample_points(Camera(64, 48, 50.0, 50.0, 32.0, 24.0, np.eye(4)), Lens(model, 64, 48, params))
            assert np.isfinite(fractions).all()


@pytest.mark.parametrize("scale", [1e7, 0, -1, 5e-324, 10**400, True, "2", None])
def test_worlds_of_an_absurd_scale_are_refused(small_scene, scale):
    moved = {"transform": np.eye(4)[:3].tolist(), "scale": scale}
    (small_scene / "dataparser_transforms.json").write_text(json.dumps(moved))
    with pytest.raises(InputError, match=r"dataparser_transforms\.json"):
        load_scene(small_scene)
