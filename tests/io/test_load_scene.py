"""Scene folders: what is found where, at which size, and what is said about it."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.photos import read_photo
from gsseg.io.ply import write_splats
from gsseg.io.scene_folder import find_splats, load_scene, view_names


def files_of(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def edit(scene, change):
    meta = json.loads((scene / "transforms.json").read_text())
    change(meta)
    (scene / "transforms.json").write_text(json.dumps(meta))


def test_small_scene(small_scene):
    before = files_of(small_scene)
    scene = load_scene(small_scene, need_masks=True)
    assert [view.name for view in scene.views] == ["view_0", "view_1", "view_2", "view_3"]
    assert [view.labels is None for view in scene.views] == [False, False, False, True]
    assert scene.views[0].labels.shape == (24, 32)
    assert scene.splats.path == small_scene / "splats.ply"
    assert len(scene.gaussians) == 40
    assert scene.notes == ["1 of 4 views have no mask and are left out of training."]
    assert all(read_photo(view).shape == (24, 32, 3) for view in scene.views)
    assert files_of(small_scene) == before, "a scene folder is never written to"


def test_downscale_and_longest_side(small_scene):
    assert (load_scene(small_scene, downscale=2).views[0].camera.width, 16) == (16, 16)
    camera = load_scene(small_scene, max_side=20).views[0].camera
    assert (camera.width, camera.height, camera.fx) == (20, 15, 30 * 20 / 32)
    assert load_scene(small_scene, max_side=4000).views[0].camera.width == 32
    halved = load_scene(small_scene, downscale=2).views[0]
    assert np.array_equal(halved.labels, load_scene(small_scene).views[0].labels[1::2, 1::2])


def test_frames_without_photo_or_mask_are_left_out_and_counted(small_scene):
    (small_scene / "images" / "view_0.png").unlink()  # its mask stays
    (small_scene / "images" / "view_3.png").unlink()  # has no mask
    scene = load_scene(small_scene)
    assert [view.name for view in scene.views] == ["view_0", "view_1", "view_2"]
    assert scene.views[0].photo is None
    assert "1 of 4 frames name a photo that is not there and are left out, e.g. images/view_3." in scene.notes


def test_photos_are_optional(small_scene):
    shutil.rmtree(small_scene / "images")
    scene = load_scene(small_scene, need_masks=True)
    assert len(scene.views) == 4
    assert all(view.photo is None for view in scene.views)


def test_two_photos_of_one_name_are_told_apart(small_scene):
    for side in ("left", "right"):
        (small_scene / "images" / side).mkdir()
        shutil.copy(small_scene / "images" / "view_0.png", small_scene / "images" / side / "1.png")
    frames = [f"images/{side}/1.png" for side in ("left", "right")]

    def change(meta):
        for frame, name in zip(meta["frames"], frames, strict=False):
            frame["file_path"] = name

    edit(small_scene, change)
    scene = load_scene(small_scene)
    assert [view.name for view in scene.views] == ["left_1", "right_1", "view_2", "view_3"]
    assert [str(view.photo.relative_to(small_scene)) for view in scene.views[:2]] == frames


def test_view_names(tmp_path):
    assert view_names(tmp_path, ["images/a", "images/b"]) == ["a", "b"]
    assert view_names(tmp_path, ["x/p/1", "y/p/1", "z/2"]) == ["x_p_1", "y_p_1", "2"]
    with pytest.raises(InputError, match="two photos are named"):
        view_names(tmp_path, ["a/b_c", "a_b/c", "a/c", "a_b/b_c"])


def test_a_photo_named_twice_counts_once(small_scene):
    edit(small_scene, lambda meta: meta["frames"].append(meta["frames"][0]))
    scene = load_scene(small_scene)
    assert len(scene.views) == 4
    assert scene.notes[0].startswith("1 cameras name a photo that another one named before")


def test_training_and_test_halves_are_read_together(small_scene):
    meta = json.loads((small_scene / "transforms.json").read_text())
    frames = meta.pop("frames")
    (small_scene / "transforms.json").unlink()
    (small_scene / "transforms_train.json").write_text(json.dumps({**meta, "frames": frames[:3]}))
    (small_scene / "transforms_test.json").write_text(json.dumps({**meta, "frames": frames[3:]}))
    assert len(load_scene(small_scene).views) == 4


def test_masks_that_belong_to_no_view_are_counted(small_scene):
    shutil.copy(small_scene / "masks" / "view_0.png", small_scene / "masks" / "view_9.png")
    assert "1 masks in masks belong to no view." in load_scene(small_scene).notes


def test_a_langsplat_scene_with_an_empty_level(small_scene):
    shutil.rmtree(small_scene / "masks")
    (small_scene / "language_features").mkdir()
    stack = np.full((4, 24, 32), -1, np.float32)
    stack[0, :12] = 0
    np.save(small_scene / "language_features" / "view_1_s.npy", stack)
    assert load_scene(small_scene, need_masks=True).views[1].labels.max() == 1
    assert load_scene(small_scene, mask_level="large").views[1].labels is None
    with pytest.raises(InputError, match="empty at level 'large'"):
        load_scene(small_scene, mask_level="large", need_masks=True)


def test_where_splats_are_looked_for(small_scene, make_columns, tmp_path):
    assert find_splats(small_scene) == small_scene / "splats.ply"
    for iteration, rows in ((7000, 5), (30000, 6), (900, 7)):
        write_splats(small_scene / f"point_cloud/iteration_{iteration}/point_cloud.ply", make_columns(rows))
    assert find_splats(small_scene) == small_scene / "splats.ply"
    (small_scene / "splats.ply").unlink()
    assert len(load_scene(small_scene).gaussians) == 6
    write_splats(tmp_path / "own.ply", make_columns(8))
    scene = load_scene(small_scene, splats=tmp_path / "own.ply")
    assert (len(scene.gaussians), scene.splats.path) == (8, tmp_path / "own.ply")


def test_a_colmap_scene_with_a_lens(small_scene):
    (small_scene / "transforms.json").unlink()
    model = small_scene / "sparse" / "0"
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text("1 SIMPLE_RADIAL 64 48 60 32 24 0.05\n")
    (model / "images.txt").write_text("1 1 0 0 0 0 0 3 1 view_0.png\n\n2 1 0 0 0 0 0 4 1 view_1.png\n\n")
    scene = load_scene(small_scene, max_side=32)
    assert [view.name for view in scene.views] == ["view_0", "view_1"]
    assert scene.views[0].lens.model == "SIMPLE_RADIAL"
    assert scene.views[0].camera.fx == 30
    assert scene.views[0].labels.shape == read_photo(scene.views[0]).shape[:2] == (24, 32)


def test_a_picture_beside_the_photos_that_is_no_photo_is_no_matter(small_scene):
    (small_scene / "images" / "notes.txt").write_text("hello")
    Image.new("L", (3, 3)).save(small_scene / "images" / "unused.png")
    assert len(load_scene(small_scene).views) == 4


@pytest.mark.parametrize(
    ("name", "views", "masked", "size"), [("room_noisy", 56, 48, (320, 240)), ("desk", 29, 22, (953, 535))]
)
def test_real_scenes(shared, name, views, masked, size):
    scene = load_scene(shared / "scenes" / name, need_masks=True)
    assert len(scene.views) == views
    assert sum(view.labels is not None for view in scene.views) == masked
    for view in scene.views:
        assert (view.camera.width, view.camera.height) == size
        assert view.photo.stem == view.name
        assert view.labels is None or view.labels.shape == (size[1], size[0])
    means = scene.gaussians.means.double().numpy()[scene.gaussians.drawable.numpy()]
    camera = scene.views[0].camera
    seen = means @ camera.T_camera_world[:3, :3].T + camera.T_camera_world[:3, 3]
    pixels = seen[:, :2] / seen[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    inside = (seen[:, 2] > 0) & (pixels >= 0).all(1) & (pixels < size).all(1)
    assert inside.mean() > 0.2, "the camera looks at the scene"
