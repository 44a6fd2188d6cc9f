"""LERF-OVS and LERF-Mask: labels become the truth of texts, and what they label is held out."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.evaluate.prompt_truth import read_queries
from gsseg.io.scene_folder import read_cameras
from gsseg.prepare import prepare_lerf, prepare_lerf_mask
from gsseg.prepare.polygons import fill_polygons

WIDTH, HEIGHT, VIEWS = 40, 30, 4


def write_colmap(folder: Path) -> None:
    """One PINHOLE camera, and an image ``frame_00001.jpg`` and so on for each view."""
    folder.mkdir(parents=True)
    camera = struct.pack("<QIiQQ4d", 1, 1, 1, WIDTH, HEIGHT, 30.0, 30.0, WIDTH / 2, HEIGHT / 2)
    (folder / "cameras.bin").write_bytes(camera)
    content = struct.pack("<Q", VIEWS)
    for k in range(1, VIEWS + 1):
        content += struct.pack("<I7dI", k, 1, 0, 0, 0, 0.1 * k, 0, 3, 1) + f"frame_{k:05d}.jpg".encode() + b"\0"
        content += struct.pack("<Q", 0)
    (folder / "images.bin").write_bytes(content)
    (folder / "points3D.bin").write_bytes(struct.pack("<Q", 0))


def write_base(scene: Path) -> Path:
    """Photos and cameras."""
    (scene / "images").mkdir(parents=True)
    write_colmap(scene / "sparse" / "0")
    for k in range(1, VIEWS + 1):
        Image.new("RGB", (WIDTH, HEIGHT), (k, 0, 0)).save(scene / "images" / f"frame_{k:05d}.jpg")
    return scene


LABEL = {
    "info": {"name": "frame_00002.jpg", "width": WIDTH, "height": HEIGHT},
    "objects": [
        {"category": "red apple", "group": 1, "bbox": [2, 3, 9, 8], "segmentation": [[2.9, 3], [9, 3], [9, 8], [2, 8]]},
        {"category": "bag", "group": 2, "bbox": [], "segmentation": [[20, 10], [35, 10], [20, 25]]},
        {"category": "red apple", "group": 3, "bbox": [], "segmentation": [[30, 2], [33, 2], [33, 5], [30, 5]]},
    ],
}


@pytest.fixture
def lerf(tmp_path: Path) -> Path:
    """``lerf_ovs/ramen`` with labels beside it."""
    scene = write_base(tmp_path / "lerf_ovs" / "ramen")
    (scene / "language_features").mkdir()
    for k in range(1, VIEWS + 1):
        for ending in ("_s.npy", "_f.npy"):
            np.save(scene / "language_features" / f"frame_{k:05d}{ending}", np.zeros((4, 3, 4), np.float32))
    labels = tmp_path / "lerf_ovs" / "label" / "ramen"
    labels.mkdir(parents=True)
    (labels / "frame_00002.json").write_text(json.dumps(LABEL))
    (labels / "frame_00002.jpg").write_bytes(b"a copy of the photo")
    return scene


@pytest.fixture
def lerf_mask(tmp_path: Path) -> Path:
    """A LERF-Mask scene whose only test photo is the third."""
    scene = write_base(tmp_path / "lerf_mask" / "figurines")
    for folder in ("images_train", "object_mask", "test_mask/0"):
        (scene / folder).mkdir(parents=True)
    for k in range(1, VIEWS + 1):
        Image.new("L", (WIDTH, HEIGHT), k).save(scene / "object_mask" / f"frame_{k:05d}.png")
        if k != 3:
            Image.new("RGB", (WIDTH, HEIGHT)).save(scene / "images_train" / f"frame_{k:05d}.jpg")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5:9, 3:6], mask[20, 20] = 255, 100
    Image.fromarray(mask).save(scene / "test_mask" / "0" / "green apple.png")
    Image.new("L", (WIDTH, HEIGHT)).save(scene / "test_mask" / "0" / "not here.png")
    return scene


def test_labels_become_truth_and_are_held_out(lerf: Path, tmp_path: Path) -> None:
    out = tmp_path / "scene"
    made = prepare_lerf(lerf, out)
    assert made.counts == {"photos": 4, "masks": 3, "annotated frames": 1, "texts": 2}
    queries = read_queries(out / "gt")
    assert [(query.view, query.prompt) for query in queries] == [
        ("frame_00002", "red apple"), ("frame_00002", "bag"),
    ]  # fmt: skip
    apple = np.zeros((HEIGHT, WIDTH), bool)
    apple[3:9, 2:10] = apple[2:6, 30:34] = True
    assert np.array_equal(queries[0].read(), apple)
    assert json.loads((out / "gt/test_views.json").read_text()) == ["frame_00002"]
    features = sorted(file.name for file in (out / "language_features").iterdir())
    assert len(features) == 6
    assert not any("00002" in name for name in features)
    assert [camera.name for camera in read_cameras(out)[0]] == [f"frame_{k:05d}" for k in range(1, 5)]
    assert (out / "images/frame_00002.jpg").read_bytes() == (lerf / "images/frame_00002.jpg").read_bytes()
    assert (out / "sparse/0/points3D.bin").is_file()


def test_links_take_no_space(lerf: Path, tmp_path: Path) -> None:
    prepare_lerf(lerf, tmp_path / "scene", link=True)
    assert (tmp_path / "scene/images/frame_00001.jpg").samefile(lerf / "images/frame_00001.jpg")
    prepare_lerf(lerf, tmp_path / "copy")
    assert not (tmp_path / "copy/images/frame_00001.jpg").samefile(lerf / "images/frame_00001.jpg")


def test_pictures_of_texts_become_truth_and_are_held_out(lerf_mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "scene"
    made = prepare_lerf_mask(lerf_mask, out)
    assert made.counts == {"photos": 4, "masks": 3, "annotated frames": 1, "texts": 1}
    (query,) = read_queries(out / "gt")
    assert (query.view, query.prompt) == ("frame_00003", "green apple")
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[5:9, 3:6] = True
    assert np.array_equal(query.read(), expected)
    assert not (out / "object_mask/frame_00003.png").exists()
    (lerf_mask / "test_mask/0").rename(lerf_mask / "test_mask/frame_00001")
    prepare_lerf_mask(lerf_mask, tmp_path / "other")
    assert read_queries(tmp_path / "other/gt")[0].view == "frame_00001"


@pytest.mark.parametrize("seed", range(5))
def test_polygons_hold_what_lies_in_them_and_their_outline(seed: int) -> None:
    """Against the even-odd rule at every pixel, and every pixel's distance to the outline."""
    corners = np.random.default_rng(seed).integers(0, 40, (5, 2))
    filled = fill_polygons([[(float(x), float(y)) for x, y in corners]], 40, 40)
    y, x = np.mgrid[:40, :40].reshape(2, -1).astype(float)
    odd, near = np.zeros(1600, bool), np.full(1600, np.inf)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
        t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        near = np.minimum(near, np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)))
    inside, filled = odd.reshape(40, 40), filled
    decided = near.reshape(40, 40) > 1
    assert np.array_equal(filled[decided], inside[decided])
    assert filled[corners[:, 1], corners[:, 0]].all()
    assert not (filled & ~inside & decided).any()


def test_fractions_are_cut_and_few_corners_are_a_line() -> None:
    assert np.argwhere(fill_polygons([[(2.9, 3.9)]], 8, 8)).tolist() == [[3, 2]]
    assert fill_polygons([[(1.0, 1.0), (4.0, 1.0)]], 8, 8).sum() == 4
    assert fill_polygons([[(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)]], 8, 8).all()
    assert not fill_polygons([[(50.0, 50.0), (60.0, 50.0), (60.0, 60.0)]], 8, 8).any()


def _changed(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def spoil(scene: Path) -> None:
        content = json.loads(json.dumps(LABEL))
        change(content)
        (scene.parent / "label" / "ramen" / "frame_00002.json").write_text(json.dumps(content))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_changed(lambda c: c.pop("info")), "no info or no objects"),
        (_changed(lambda c: c.update(objects=[])), "no info or no objects"),
        (_changed(lambda c: c["info"].update(width=1e300)), "width"),
        (_changed(lambda c: c["info"].update(width=16384, height=16384)), "million"),
        (_changed(lambda c: c["info"].update(width=30)), "another shape"),
        (_changed(lambda c: c["objects"][1].pop("category")), r"objects\[1\] has no category"),
        (_changed(lambda c: c["objects"][1].update(segmentation=[])), r"objects\[1\] has no segmentation"),
        (_changed(lambda c: c["objects"][1].update(segmentation=[[1]])), r"objects\[1\] has the vertex"),
        (_changed(lambda c: c["objects"][1].update(segmentation=[[1, "a"]])), r"objects\[1\]: a coordinate"),
        (_changed(lambda c: c["objects"][1].update(segmentation=[[99, 99]])), "'bag' covers no pixel"),
        (lambda s: (s.parent / "label/ramen/frame_00002.json").write_text("{"), "not valid JSON"),
        (lambda s: (s.parent / "label/ramen/frame_00002.json").unlink(), "holds no labels"),
        (lambda s: (s / "images/frame_00002.jpg").unlink(), "no photo or no camera"),
        (lambda s: (s / "sparse/0/images.bin").write_bytes(b"\1"), "truncated"),
        (lambda s: (s / "sparse").rename(s / "dense"), "no COLMAP model"),
        (lambda s: (s / "images").rename(s / "photos"), "no photo of the COLMAP model"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(lerf: Path, tmp_path: Path, spoil, words: str) -> None:
    spoil(lerf)
    with pytest.raises(InputError, match=words):
        prepare_lerf(lerf, tmp_path / "scene")
    assert [file.name for file in tmp_path.iterdir()] == ["lerf_ovs"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: (s / "test_mask").rename(s / "gone"), "has no test_mask"),
        (lambda s: (s / "test_mask/0").rename(s / "test_mask/1"), "neither a view's name nor"),
        (lambda s: (s / "images_train").rename(s / "gone"), "neither a view's name nor"),
        (lambda s: (s / "test_mask/0/green apple.png").write_bytes(b"x"), "picture"),
        (lambda s: Image.new("L", (9, 30)).save(s / "test_mask/0/green apple.png"), "another shape"),
        (lambda s: (s / "test_mask/0/green apple.png").unlink(), "holds no pictures"),
    ],
)
def test_what_is_wrong_with_lerf_mask_is_named(lerf_mask: Path, tmp_path: Path, spoil, words: str) -> None:
    spoil(lerf_mask)
    with pytest.raises(InputError, match=words):
        prepare_lerf_mask(lerf_mask, tmp_path / "scene")
    assert [file.name for file in tmp_path.iterdir()] == ["lerf_mask"]


def test_a_photo_that_is_a_device_is_refused(tmp_path):
    """Copying it would never end."""
    write_base(tmp_path / "ramen")
    (tmp_path / "label" / "ramen").mkdir(parents=True)
    (tmp_path / "label" / "ramen" / "frame_00002.json").write_text(json.dumps(LABEL))
    photo = tmp_path / "ramen" / "images" / "frame_00004.jpg"
    photo.unlink()
    photo.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"frame_00004\.jpg.*a device"):
        prepare_lerf(tmp_path / "ramen", tmp_path / "out")
    assert not (tmp_path / "out").exists()
