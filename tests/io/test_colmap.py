"""COLMAP models: our reader against pycolmap's writer and reader, and against damaged files."""

import shutil
import struct

import numpy as np
import pycolmap
import pytest

from gsseg.errors import InputError
from gsseg.io.colmap import CAMERA_MODELS, read_colmap
from gsseg.io.lens import split_lens

POSES = [((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 2.0)), ((0.6, -0.48, 0.64, 0.0), (1.5, -2.0, 0.25))]


def example_params(model: str) -> list[float]:
    """Plausible parameters of any COLMAP model for a photo of 64 x 48 pixels."""
    if model == "EQUIRECTANGULAR":
        return [64.0, 48.0]
    camera = pycolmap.Camera.create_from_model_name(1, model, 50.0, 64, 48)
    params = np.array(camera.params)
    known = {*camera.focal_length_idxs(), *camera.principal_point_idxs()}
    others = [i for i in range(len(params)) if i not in known]
    params[others] = 0.01 if model not in ("FOV", "EUCM") else 0.6
    return params.tolist()


def write_model(folder, model: str, kind: str, names=("b.jpg", "sub/a c.png"), poses=POSES, points: int = 3) -> None:
    """Writes cameras and images by the format's description, with image points to be skipped."""
    folder.mkdir(parents=True, exist_ok=True)
    number = next(n for n, (name, _) in CAMERA_MODELS.items() if name == model)
    params = example_params(model)
    images = list(zip(names, poses, strict=True))
    if kind == "txt":
        (folder / "cameras.txt").write_text(
            f"# comment\n7 {model} 64 48 {' '.join(map(repr, params))}\n", encoding="utf-8"
        )
        lines = ["# IMAGE_ID, QW, ...", "# POINTS2D[]"]
        for i, (name, (q, t)) in enumerate(images):
            lines += [f"{i + 1} {' '.join(map(repr, (*q, *t)))} 7 {name}", "1.5 2.5 -1 " * (points * (i % 2))]
        (folder / "images.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    (folder / "cameras.bin").write_bytes(struct.pack(f"<QIiQQ{len(params)}d", 1, 7, number, 64, 48, *params))
    blob = struct.pack("<Q", len(images))
    for i, (name, (q, t)) in enumerate(images):
        blob += struct.pack("<I7dI", i + 1, *q, *t, 7) + name.encode() + b"\0"
        blob += struct.pack("<Q", points) + bytes(24 * points)
    (folder / "images.bin").write_bytes(blob)


@pytest.mark.parametrize("kind", ["bin", "txt"])
@pytest.mark.parametrize("model", sorted({name for name, _ in CAMERA_MODELS.values()} - {"EQUIRECTANGULAR"}))
def test_every_camera_model_in_both_encodings(tmp_path, model, kind):
    write_model(tmp_path, model, kind)
    posed, notes = read_colmap(tmp_path)
    assert notes == []
    assert [one.name for one in posed] == ["b", "sub/a c"]
    oracle = pycolmap.Camera(model=model, width=64, height=48, params=example_params(model))
    for one, (q, t) in zip(posed, POSES, strict=True):
        assert (one.camera.width, one.camera.height) == (64, 48)
        assert (one.camera.fx, one.camera.fy) == (oracle.focal_length_x, oracle.focal_length_y)
        assert (one.camera.cx, one.camera.cy) == (oracle.principal_point_x, oracle.principal_point_y)
        rotation = pycolmap.Rotation3d(np.array([*q[1:], q[0]])).matrix()
        assert np.allclose(one.camera.T_camera_world[:3, :3], rotation, atol=1e-12)
        assert one.camera.T_camera_world[:3, 3].tolist() == list(t)
        assert (one.lens is None) == (model in ("PINHOLE", "SIMPLE_PINHOLE"))
        assert one.lens is None or one.lens.model == model


def test_our_table_of_models_is_colmaps():
    for number, (name, count) in CAMERA_MODELS.items():
        assert pycolmap.CameraModelId.__members__[name].value == number
        assert len(pycolmap.Camera.create_from_model_name(1, name, 50.0, 64, 48).params) == count


def test_a_lens_without_distortion_is_a_pinhole():
    assert split_lens("OPENCV", 64, 48, [50.0, 51.0, 32.0, 24.0, 0.0, 0.0, 0.0, 0.0]) == ((50, 51, 32, 24), None)


def test_binary_wins_over_text_and_poses_that_are_not_finite_are_left_out(tmp_path):
    write_model(tmp_path, "PINHOLE", "txt", names=("text.jpg", "text2.jpg"))
    lost = ((np.nan, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    write_model(tmp_path, "PINHOLE", "bin", names=("a.jpg", "b.jpg"), poses=[POSES[0], lost])
    posed, notes = read_colmap(tmp_path)
    assert [one.name for one in posed] == ["a"]
    assert notes == ["1 of 2 images have no finite pose and are left out, e.g. b.jpg."]


def test_a_real_model_with_rigs_agrees_with_pycolmap(shared):
    folder = shared / "scenes" / "desk" / "sparse" / "0"
    posed, notes = read_colmap(folder)
    theirs = {image.name: image for image in pycolmap.Reconstruction(str(folder)).images.values()}
    assert notes == []
    assert len(posed) == len(theirs) == 29
    for one in posed:
        pose = theirs[one.name + ".jpg"].cam_from_world().matrix()
        assert np.allclose(one.camera.T_camera_world[:3], pose, atol=1e-12)


@pytest.mark.parametrize("table", ["cameras.bin", "images.bin"])
def test_every_truncation_of_a_binary_table_is_an_error(tmp_path, table):
    write_model(tmp_path / "whole", "OPENCV", "bin")
    blob = (tmp_path / "whole" / table).read_bytes()
    for length in range(len(blob)):
        folder = tmp_path / "cut"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "whole", folder)
        (folder / table).write_bytes(blob[:length])
        with pytest.raises(InputError) as caught:
            read_colmap(folder)
        assert caught.value.path == str(folder / table)
        assert "\n" not in str(caught.value)


def test_random_bytes_never_hang_or_crash(tmp_path):
    rng = np.random.default_rng(0)
    write_model(tmp_path, "PINHOLE", "bin")
    for _ in range(200):
        (tmp_path / "images.bin").write_bytes(rng.bytes(int(rng.integers(1, 300))))
        with pytest.raises(InputError):
            read_colmap(tmp_path)
