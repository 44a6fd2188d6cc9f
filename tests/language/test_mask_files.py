"""LangSplat's two files of a view: found, matched, and read, or refused with one line."""

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.language.mask_files import MaskVectorFiles
from gsseg.scene import Camera, Lens, View

CAMERA = Camera(8, 6, 5.0, 5.0, 4.0, 3.0, np.eye(4))


def stack() -> np.ndarray:
    """Four levels of 12 x 16 pixels; numbers go on from level to level, the second one is empty."""
    levels = np.full((4, 12, 16), -1.0, np.float32)
    levels[0, :6], levels[0, 6:, :8] = 0, 1
    levels[2, :, :8] = 2
    levels[3] = 3
    return levels


def vectors(rows: int = 4, dim: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, dim)).astype(np.float32)


@pytest.fixture
def scene(tmp_path):
    """A folder with two views that have files, one below a folder of photos, and one that has none."""
    folder = tmp_path / "scene"
    views = []
    for name in ("a", "left/b", "c"):
        photo = folder / "images" / f"{name}.jpg"
        views.append(View(photo.stem, CAMERA, photo=photo))
        if name != "c":
            (folder / "language_features" / name).parent.mkdir(parents=True, exist_ok=True)
            np.save(folder / "language_features" / f"{name}_s.npy", stack())
            np.save(folder / "language_features" / f"{name}_f.npy", 3 * vectors())
    return folder, views


@pytest.mark.parametrize("inner", ["", "language_features"])
def test_files_are_found_and_read(scene, inner):
    folder, views = scene
    files = MaskVectorFiles.find(folder / inner, folder, views)
    assert files.dim == 5
    assert sorted(files.files) == ["a", "b"]
    for view in views[:2]:
        masks = files.read(view)
        assert np.array_equal(masks.levels, stack()[:, 1::2, 1::2].astype(np.int64) + 1)
        expected = vectors() / np.linalg.norm(vectors(), axis=1, keepdims=True)
        assert np.abs(masks.vectors - expected).max() < 1e-6


def test_views_without_photos_are_matched_by_their_names(scene):
    folder, _ = scene
    views = [View("a", CAMERA)]
    assert list(MaskVectorFiles.find(folder, folder.parent / "elsewhere", views).files) == ["a"]


def test_masks_are_freed_of_the_lens_and_vectors_without_length_stay_zero(scene):
    folder, views = scene
    lens = Lens("SIMPLE_RADIAL", 8, 6, (5.0, 4.0, 3.0, 0.4))
    np.save(folder / "language_features" / "a_f.npy", np.zeros((4, 5), np.float32))
    view = View("a", CAMERA, photo=views[0].photo, lens=lens)
    masks = MaskVectorFiles.find(folder, folder, [view]).read(view)
    assert not masks.vectors.any()
    assert masks.levels.shape == (4, 6, 8)
    assert masks.levels[3, 0, 0] == 0  # the corner that the photo never saw
    assert masks.levels[3, 2, 3] == 4


def spoil(folder, name, array) -> None:
    if array is None:
        (folder / "language_features" / name).unlink()
    else:
        np.save(folder / "language_features" / name, array)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("a_f.npy", None, r"a_f\.npy: does not exist"),
        ("a_f.npy", vectors(4, 3), r"b_f\.npy: has vectors of 5 components, and a_f\.npy of 3"),
        ("a_f.npy", vectors(3), r"a_f\.npy: has 3 rows, and masks of a_s\.npy are numbered up to 3"),
        ("a_f.npy", np.zeros((4, 5), np.int64), r"a_f\.npy: is not LangSplat's array \(masks, dim\): int64 \(4, 5\)"),
        ("a_f.npy", np.zeros(5, np.float32), r"a_f\.npy: is not LangSplat's array"),
        ("a_f.npy", np.full((4, 5), np.nan, np.float32), r"a_f\.npy: holds values that are not finite"),
        ("a_s.npy", stack()[0], r"a_s\.npy: is not LangSplat's array \(levels, rows, columns\)"),
        ("a_s.npy", stack() + 0.5, r"a_s\.npy: holds fractions"),
        ("a_s.npy", np.zeros((4, 12, 12), np.float32), r"a_s\.npy: is 12 x 12 pixels, its camera is 8 x 6"),
    ],
)
def test_files_that_are_refused(scene, name, array, said):
    folder, views = scene
    spoil(folder, name, array)

    def read_all() -> list:
        files = MaskVectorFiles.find(folder, folder, views)
        return [files.read(view) for view in views[:2]]

    with pytest.raises(InputError, match=said) as caught:
        read_all()
    assert "\n" not in str(caught.value)


def test_folders_that_are_refused(scene, tmp_path):
    folder, views = scene
    with pytest.raises(InputError, match="holds no masks with vectors"):
        MaskVectorFiles.find(tmp_path / "nothing", folder, views)
    with pytest.raises(InputError, match=r"none of its 2 masks .* has the name of a photo"):
        MaskVectorFiles.find(folder, folder, views[2:])
