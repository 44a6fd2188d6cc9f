"""Objects cut out of photos and shown to CLIP: the right views, the right pieces, the same vectors every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gsseg
from gsseg.errors import InputError
from gsseg.language.clip import ClipModel
from gsseg.language.crops import GREY, MARGIN, best_shots, cut
from gsseg.language.from_photos import vectors_from_photos
from gsseg.scene import Camera, View

COLORS = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
ZOOM = 3


@pytest.fixture(scope="module")
def things(make_gaussians):
    """Two balls of opaque Gaussians left and right of the middle; object 2 has no Gaussian."""
    gaussians = make_gaussians("opaque", 240)
    ids = np.arange(240, dtype=np.int32) % 2
    means = gaussians.means * 0.3
    means[:, 0] += torch.from_numpy(1.4 * ids.astype(np.float32) - 0.7)
    return replace(gaussians, means=means), ids


@pytest.fixture(scope="module")
def views(things, make_camera, tmp_path_factory) -> list[View]:
    """Five views from ever nearer, with photos three times their size: object 0 is red, 1 is blue, the rest black."""
    gaussians, ids = things
    folder, made = tmp_path_factory.mktemp("photos"), []
    for i in range(5):
        camera = make_camera(80, 60)
        pose = camera.T_camera_world.copy()
        pose[2, 3] += 2.4 - 0.4 * i
        camera = replace(camera, T_camera_world=pose)
        whole = camera.resized(80 * ZOOM, 60 * ZOOM)
        Image.fromarray(COLORS[shown(gaussians, ids, whole)]).save(folder / f"{i}.png")
        made.append(View(str(i), camera, photo=folder / f"{i}.png"))
    return made


@pytest.fixture(scope="module")
def model(clip_folder) -> ClipModel:
    return ClipModel.open(clip_folder)


def shown(gaussians, ids, camera: Camera) -> np.ndarray:
    """The object of each pixel plus 1, 0 = none."""
    one_hot = gsseg.blend_weights(gaussians, camera).to_dense().numpy()
    shares = np.stack([one_hot[:, ids == item].sum(1) for item in (0, 1)], 1)
    return np.where(shares.max(1) > 0.5, shares.argmax(1) + 1, 0).reshape(camera.height, camera.width)


def test_the_best_shots_are_the_largest_and_frame_the_object(things, views):
    gaussians, ids = things
    shots = best_shots(gaussians, ids, 3, views, 3)
    assert [len(each) for each in shots] == [3, 3, 0]
    for item in (0, 1):
        maps = [shown(gaussians, ids, view.camera) == item + 1 for view in views]
        assert [shot.view for shot in shots[item]] == [4, 3, 2]  # nearer is larger, and none is cut off
        for shot in shots[item]:
            assert shot.score == pytest.approx(maps[shot.view].sum(), rel=0.1)
            rows, columns = np.nonzero(maps[shot.view])
            height, width = shot.alpha.shape
            assert shot.top <= np.quantile(rows, 0.02)
            assert shot.top + height > np.quantile(rows, 0.98)
            assert shot.left <= np.quantile(columns, 0.02)
            assert shot.left + width > np.quantile(columns, 0.98)
            assert max(height, width) <= (1 + 2 * MARGIN) * (max(np.ptp(rows), np.ptp(columns)) + 1) + 2
    aside = replace(views[4], camera=replace(views[4].camera, cx=views[4].camera.cx - 20))
    cut_off = shown(gaussians, ids, aside.camera) == 1
    assert cut_off[:, 0].any()
    assert cut_off.sum() > 20
    shots = best_shots(gaussians, ids, 3, [*views[:4], aside], 5)
    assert shots[0][0].view == 3
    scores = {shot.view: shot.score for shot in shots[0]}
    assert scores[4] == pytest.approx(cut_off.sum() / 2, rel=0.1)
    assert [shot.view for shot in shots[1]] == [4, 3, 2, 1, 0]  # the other one is still whole


def test_pieces_hold_the_object_at_the_photos_size_and_grey_in_place_of_the_rest(things, views):
    gaussians, ids = things
    for item, shots in enumerate(best_shots(gaussians, ids, 2, views, 2)):
        for shot in shots:
            alone, both, whole = (
                np.asarray(cut(views[shot.view], [shot], background)[0]).astype(int) for background in (0.0, 0.5, 1.0)
            )
            assert alone.shape[0] == alone.shape[1] == max(shot.alpha.shape) * ZOOM
            own = COLORS[item + 1].astype(int)
            mine = (np.abs(alone - own).sum(2) < 60).mean()
            assert mine > 0.25
            assert ((np.abs(alone - COLORS[2 - item].astype(int)).sum(2)) < 60).mean() < 0.01
            assert (np.abs(alone - np.array(GREY)).sum(2) < 60).mean() > 0.05
            assert np.abs((alone + whole) / 2 - both).max() <= 1
            assert (np.abs(whole - own).sum(2) < 60).mean() >= mine


def test_vectors_of_objects(things, views, model):
    gaussians, ids = things
    told = []
    found = vectors_from_photos(gaussians, ids, 3, views, model, progress=lambda *at: told.append(at))
    assert found.vectors.shape == (3, model.dim)
    assert np.abs(np.linalg.norm(found.vectors[:2], axis=1) - 1).max() < 1e-6
    assert np.isnan(found.vectors[2]).all()
    assert found.views.tolist() == [5, 5, 0]
    for item, shots in enumerate(best_shots(gaussians, ids, 2, views, 5)):
        total = sum(model.encode_images(cut(views[shot.view], [shot], 0.5))[0] for shot in shots)
        assert np.abs(found.vectors[item] - total / np.linalg.norm(total)).max() < 1e-5
    assert np.abs(found.vectors[0] - found.vectors[1]).max() > 0.01  # a red thing is not a blue one
    assert told == [("views", i + 1, 5) for i in range(5)] + [("photos", i + 1, 5) for i in range(5)]
    again = vectors_from_photos(gaussians, ids, 3, views, model)
    assert np.array_equal(found.vectors, again.vectors, equal_nan=True)
    swapped = vectors_from_photos(gaussians, np.int32(1) - ids, 3, views, model)
    assert np.allclose(swapped.vectors[[1, 0]], found.vectors[:2], atol=1e-5)


def test_equal_photos_give_equal_vectors(things, views, model):
    gaussians, ids = things
    once = vectors_from_photos(gaussians, ids, 3, [replace(views[4], photo=None), views[3]], model)
    copies = [replace(views[3], name=name) for name in "abcd"]
    assert np.allclose(
        vectors_from_photos(gaussians, ids, 3, copies, model).vectors, once.vectors, atol=1e-5, equal_nan=True
    )


def test_photos_that_are_missing_or_damaged(things, views, model, tmp_path):
    gaussians, ids = things
    with pytest.raises(ValueError, match="no view has a photo"):
        vectors_from_photos(gaussians, ids, 3, [replace(views[0], photo=None)], model)
    with pytest.raises(ValueError, match="view '0' has no photo"):
        cut(replace(views[0], photo=None), [], 0.5)
    half = Path(tmp_path / "half.png")
    half.write_bytes(views[4].photo.read_bytes()[:300])
    with pytest.raises(InputError, match=r"half\.png: is a damaged picture"):
        vectors_from_photos(gaussians, ids, 3, [replace(views[4], photo=half)], model)
    none = np.full_like(ids, -1)
    assert np.isnan(vectors_from_photos(gaussians, none, 3, views, model).vectors).all()
