"""Masks of every format become the same label map: dense, at the camera's size, 0 = none."""

import tracemalloc
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.langsplat import MaskLevel, read_langsplat, read_langsplat_levels
from gsseg.io.mask_formats import (
    LABEL_PNG,
    LANGSPLAT,
    MASK_FORMATS,
    SEARCHED_ENDINGS,
    SEARCHED_FILES,
    SEARCHED_FOLDERS,
    MaskFormat,
)
from gsseg.io.masks import dense_labels, find_masks, read_labels
from gsseg.io.saga import Saga, read_saga
from gsseg.io.scene_folder import load_scene
from gsseg.scene import Camera, Lens

CAMERA = Camera(8, 6, 5.0, 5.0, 4.0, 3.0, np.eye(4))
IDS = np.zeros((6, 8), np.int64)
IDS[1:4, 1:4], IDS[2:6, 4:8] = 9, 200


@settings(max_examples=60, deadline=None)
@given(
    st_numpy.arrays(np.int64, (4, 5), elements=st.one_of(st.integers(0, 5), st.integers(0, 1 << 40))),
)
def test_dense_labels_are_a_renumbering_in_rising_order(ids):
    labels, there = dense_labels(ids)
    assert (labels == 0).tolist() == (ids == 0).tolist()
    assert np.array_equal(np.r_[0, there][labels], ids)
    assert np.array_equal(there, np.unique(ids[ids > 0]))


@pytest.mark.parametrize(("dtype", "mode"), [(np.uint8, None), (np.uint16, None), (np.uint8, "P"), (np.uint8, "RGB")])
def test_label_pngs(tmp_path, dtype, mode):
    path = tmp_path / "a.png"
    if mode == "RGB":
        colours = np.zeros((6, 8, 3), np.uint8)
        colours[IDS == 9], colours[IDS == 200] = (0, 0, 255), (255, 0, 255)
        Image.fromarray(colours).save(path)
    elif mode == "P":
        picture = Image.fromarray(IDS.astype(dtype))
        picture = picture.convert("P")
        picture.putdata(IDS.ravel().tolist())
        picture.putpalette([5, 5, 5] * 256)  # all colours equal: it is the index that counts
        picture.save(path)
    else:
        Image.fromarray(IDS.astype(dtype)).save(path)
    labels = read_labels(path, LABEL_PNG, CAMERA)
    assert labels.dtype == np.uint16
    assert np.array_equal(labels, np.where(IDS == 9, 1, np.where(IDS == 200, 2, 0)))


def test_label_above_255_in_a_16_bit_png(tmp_path):
    Image.fromarray(np.where(IDS == 200, 60_000, IDS).astype(np.uint16)).save(tmp_path / "a.png")
    labels = read_labels(tmp_path / "a.png", LABEL_PNG, CAMERA)
    assert np.array_equal(labels, np.where(IDS == 9, 1, np.where(IDS == 200, 2, 0)))


def langsplat_stack():
    """Four levels with cumulative ids; `small` is empty."""
    stack = np.full((4, 6, 8), -1.0, np.float32)
    stack[0, :3], stack[0, 3:, :4] = 0, 1
    stack[2, :, :4], stack[2, :2, 4:] = 2, 3
    stack[3] = 4
    return stack


@pytest.mark.parametrize(("level", "count"), [("default", 2), ("medium", 2), ("large", 1)])
def test_langsplat_levels(tmp_path, level, count):
    stack = langsplat_stack()
    np.save(tmp_path / "a_s.npy", stack)
    plane = stack[("default", "small", "medium", "large").index(level)]
    labels = read_labels(tmp_path / "a_s.npy", LANGSPLAT, CAMERA, None, level)
    assert labels.max() == count
    assert np.array_equal(labels, np.where(plane < 0, 0, plane - plane[plane >= 0].min() + 1))


def test_all_langsplat_levels_are_those_read_one_by_one(tmp_path):
    np.save(tmp_path / "a_s.npy", langsplat_stack())
    levels = read_langsplat_levels(tmp_path / "a_s.npy")
    assert np.array_equal(levels, langsplat_stack().astype(np.int64) + 1)
    for name, level in zip(get_args(MaskLevel), levels, strict=True):
        assert np.array_equal(read_langsplat(tmp_path / "a_s.npy", name), level)


def test_an_empty_level_is_no_mask(tmp_path):
    np.save(tmp_path / "a_s.npy", langsplat_stack())
    assert read_labels(tmp_path / "a_s.npy", LANGSPLAT, CAMERA, None, "small") is None


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8])
def test_sagas_smaller_masks_lie_on_top(tmp_path, dtype):
    masks = torch.zeros(3, 6, 8, dtype=dtype)
    masks[0, 2:4, 2:4] = 1
    masks[1, :, :6] = 1
    masks[2, 0, :] = 1
    torch.save(masks, tmp_path / "a.pt")
    labels = read_labels(tmp_path / "a.pt", Saga(), CAMERA)
    expected = np.zeros((6, 8), int)
    expected[:, :6] = 2
    expected[0, :] = 3
    expected[2:4, 2:4] = 1
    assert np.array_equal(labels, expected)


def test_masks_of_another_size_are_sampled_at_the_nearest_pixel(tmp_path):
    Image.fromarray(np.kron(IDS, np.ones((3, 3))).astype(np.uint8)).save(tmp_path / "large.png")
    Image.fromarray(IDS.astype(np.uint8)).save(tmp_path / "small.png")
    twice = CAMERA.resized(16, 12)
    small = read_labels(tmp_path / "small.png", LABEL_PNG, CAMERA)
    assert np.array_equal(read_labels(tmp_path / "large.png", LABEL_PNG, CAMERA), small)
    assert np.array_equal(read_labels(tmp_path / "small.png", LABEL_PNG, twice), np.kron(small, np.ones((2, 2))))


def test_masks_of_a_distorted_photo_are_undistorted_with_it(tmp_path):
    lens = Lens("SIMPLE_RADIAL", 80, 60, (50.0, 40.0, 30.0, 0.2))  # pincushion: corners lie outside the photo
    camera = Camera(80, 60, 50.0, 50.0, 40.0, 30.0, np.eye(4))
    Image.new("L", (40, 30), 5).save(tmp_path / "a.png")
    labels = read_labels(tmp_path / "a.png", LABEL_PNG, camera, lens)
    assert labels[30, 40] == 1
    assert labels[0, 0] == labels[-1, -1] == 0
    assert set(np.unique(labels)) == {0, 1}


def save_png(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(IDS.astype(np.uint8)).save(path)


def test_search_order_and_override(tmp_path):
    assert find_masks(tmp_path) is None
    (tmp_path / "sam_masks").mkdir()
    torch.save(torch.ones(1, 6, 8, dtype=torch.bool), tmp_path / "sam_masks" / "a.pt")
    assert find_masks(tmp_path).format.name == "SAGA"
    save_png(tmp_path / "object_mask" / "a.png")
    assert find_masks(tmp_path).format.name == "Gaussian Grouping"
    (tmp_path / "language_features").mkdir()
    np.save(tmp_path / "language_features" / "a_s.npy", langsplat_stack())
    np.save(tmp_path / "language_features" / "a_f.npy", np.zeros((5, 512), np.float32))
    assert find_masks(tmp_path).format.name == "LangSplat"
    assert list(find_masks(tmp_path).files) == ["a"]
    (tmp_path / "masks").mkdir()
    assert find_masks(tmp_path).format.name == "LangSplat", "an empty folder holds no masks"
    save_png(tmp_path / "masks" / "a.png")
    assert find_masks(tmp_path).format.name == "label PNG"
    assert find_masks(tmp_path, tmp_path / "sam_masks").format.name == "SAGA"
    assert find_masks(tmp_path / "sam_masks", tmp_path).folder == tmp_path / "masks", "another scene's"


def test_matching_by_the_longest_tail_of_the_path(tmp_path):
    for name in ("left/1.png", "right/1.png", "2.jpg.png", "Other.png"):
        save_png(tmp_path / "masks" / name)
    masks = find_masks(tmp_path)
    matched = masks.match(["images/left/1", "right/1", "images/2", "nothing"])
    assert {name: path.relative_to(masks.folder).as_posix() for name, path in matched.items()} == {
        "images/left/1": "left/1.png",
        "right/1": "right/1.png",
        "images/2": "2.jpg.png",
    }
    with pytest.raises(InputError, match="belongs to two photos"):
        masks.match(["images/2", "color/2"])


def write_ids(folder, name, ids):
    """The same ids as a file of each format; returns format -> file."""
    png, npy, pt = (folder / f"{name}{ending}" for ending in (".png", "_s.npy", ".pt"))
    Image.fromarray(ids.astype(np.uint16)).save(png)
    np.save(npy, np.stack([ids - 1] * 4).astype(np.float32))
    there = np.unique(ids[ids > 0])
    torch.save(torch.from_numpy(np.stack([ids == one for one in there] or [ids > 0])), pt)
    return {format.name: (format, {".png": png, "_s.npy": npy, ".pt": pt}[format.ending]) for format in MASK_FORMATS}


@settings(max_examples=40, deadline=None)
@given(
    ids=st_numpy.arrays(np.int64, (6, 8), elements=st.sampled_from([0, 0, 3, 4, 90, 5000])),
    width=st.integers(2, 24),
    distorted=st.booleans(),
)
def test_labels_of_every_format_are_dense_from_one(tmp_path_factory, ids, width, distorted):
    """Whatever a file's numbering, the camera's size and the pixels that a lens never saw: 1 to n all occur."""
    camera = CAMERA.resized(width, max(1, round(width * 0.75)))
    lens = Lens("SIMPLE_RADIAL", 8, 6, (5.0, 4.0, 3.0, 0.2)) if distorted else None
    maps = []
    for format, path in write_ids(tmp_path_factory.mktemp("masks"), "a", ids).values():
        labels = read_labels(path, format, camera, lens)
        if labels is not None:
            assert labels.shape == (camera.height, camera.width)
            assert set(np.unique(labels)) - {0} == set(range(1, int(labels.max()) + 1))
            assert labels.max() >= 1
        maps.append(labels)
    assert all(np.array_equal(maps[0], other) if maps[0] is not None else other is None for other in maps[1:])


class Text:
    """A format of numbers in words, to show what adding one takes."""

    name, folder, ending, has_levels = "text", "words", ".txt", False

    def read(self, path, level):
        return np.loadtxt(path, dtype=np.int32)


def test_a_format_is_a_class_and_a_row(small_scene, monkeypatch):
    assert isinstance(Text(), MaskFormat)
    monkeypatch.setattr("gsseg.io.masks.MASK_FORMATS", (Text(), *MASK_FORMATS))
    (small_scene / "words").mkdir()
    np.savetxt(small_scene / "words" / "view_1.txt", np.kron(IDS, np.ones((4, 4))), "%d")
    scene = load_scene(small_scene)
    assert [view.name for view in scene.views if view.labels is not None] == ["view_1"]
    assert scene.view("view_1").labels.max() == 2


def test_messages_and_help_name_every_format():
    for format in MASK_FORMATS:
        assert f"{format.folder}/*{format.ending}" in SEARCHED_FILES
        assert format.folder in SEARCHED_FOLDERS
        assert f"*{format.ending}" in SEARCHED_ENDINGS
    assert len({format.name for format in MASK_FORMATS}) == len(MASK_FORMATS)


@pytest.mark.parametrize("shape", [(3, 1, 6, 8), (3, 6, 8)])
def test_sagas_masks_as_sams_predictor_returns_them(tmp_path, shape):
    masks = torch.zeros(3, 6, 8, dtype=torch.bool)
    masks[0, :2], masks[1, 2:4], masks[2, 4:] = True, True, True
    torch.save(masks.reshape(shape), tmp_path / "a.pt")
    assert read_saga(tmp_path / "a.pt")[:, 0].tolist() == [1, 1, 2, 2, 3, 3]


@pytest.mark.filterwarnings("ignore")  # torch's, of tensors that are hardly used any more
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (torch.zeros(3, 6, 8), r"not a boolean tensor .*float32 \(3, 6, 8\)"),
        (torch.zeros(6, 8, dtype=torch.bool), r"not a boolean tensor"),
        (torch.zeros(3, 2, 6, 8, dtype=torch.bool), r"not a boolean tensor .*\(3, 2, 6, 8\)"),
        (torch.zeros(3, 0, 8, dtype=torch.bool), "its size is 8 x 0 pixels"),
        (torch.zeros(1, 1, 20_000, dtype=torch.bool), "is 20000 x 1 pixels; at most"),
        (torch.zeros(1, 1, 1, dtype=torch.bool).expand(9, 30_000, 30_000), "more than its file holds"),
        (torch.zeros(3, 6, 8, dtype=torch.bool).to_sparse(), "no plain tensor|not a file of tensors"),
        (torch.zeros(3, 6, 8, dtype=torch.complex64), "no plain tensor"),
        ({"masks": torch.zeros(3, 6, 8)}, "is no tensor but dict"),
        (np.zeros((3, 6, 8), bool), "not a file of tensors"),
    ],
)
def test_sagas_masks_that_are_refused(tmp_path, value, says):
    path = tmp_path / "a.pt"
    torch.save(value, path)
    with pytest.raises(InputError, match=says) as caught:
        read_saga(path)
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)


def test_sagas_masks_are_not_stacked_again(tmp_path):
    masks = torch.zeros(40, 500, 500, dtype=torch.bool)
    masks[:, ::2] = True
    torch.save(masks, tmp_path / "a.pt")
    tracemalloc.start()  # which sees numpy's memory, not torch's
    try:
        read_saga(tmp_path / "a.pt")
        assert tracemalloc.get_traced_memory()[1] < 4 * 500 * 500 * 2  # the ids and a mask, not 40 of them
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int64, np.float16, np.float64])
def test_langsplats_ids_of_any_type(tmp_path, dtype):
    stack = langsplat_stack()
    stack = np.where(stack < 0, 0, stack).astype(dtype) if dtype == np.uint8 else stack.astype(dtype)
    np.save(tmp_path / "a_s.npy", stack)
    assert np.array_equal(read_langsplat(tmp_path / "a_s.npy"), stack[0].astype(np.int64) + 1)


@pytest.mark.parametrize("value", [2.0**31, 1e30, 0.5])
def test_langsplats_absurd_ids(tmp_path, value):
    np.save(tmp_path / "a_s.npy", np.full((4, 6, 8), value))
    with pytest.raises(InputError, match="holds fractions or absurd values"):
        read_langsplat(tmp_path / "a_s.npy")
