"""From LangSplat's files to vectors of objects, in a made room whose truth tells what each object is."""

import numpy as np
import pytest

import gsseg
from gsseg.io.label_png import read_label_png
from gsseg.io.scene_folder import load_views
from gsseg.language.from_masks import vectors_from_masks
from gsseg.language.mask_files import MaskVectorFiles
from gsseg.sample import MaskNoise, RoomConfig, write_room

ROOM = RoomConfig(objects=8, gaussians=9_000, views=10, test_views=1, width=160, height=120)
DIM, WRONG = 32, 0.15


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The scene's folder with language_features, and the vector of each instance."""
    folder = write_room(tmp_path_factory.mktemp("language") / "room", ROOM, MaskNoise())
    rng = np.random.default_rng(0)
    instances = int(np.load(folder / "gt" / "gaussian_instance.npy").max()) + 1
    truth = unit(rng.normal(size=(instances, DIM)) + 1)  # cosines of about a half to each other, as CLIP's have
    (folder / "language_features").mkdir()
    for file in sorted((folder / "masks").glob("*.png")):
        ids = read_label_png(folder / "gt" / "ids" / file.name).astype(np.int64)
        stack, vectors = spoilt_levels(rng, ids, truth)
        np.save(folder / "language_features" / f"{file.stem}_s.npy", stack)
        np.save(folder / "language_features" / f"{file.stem}_f.npy", vectors)
    return folder, truth


def spoilt_levels(rng: np.random.Generator, ids: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the instances, pieces of them, an empty level, and pairs: mask numbers and a noisy vector for each."""
    whole = np.where(rng.random(len(truth) + 1)[ids] < 0.5, ids, 0)
    pieces = np.where(ids > 0, ids * 2 + np.indices(ids.shape)[1] // 20 % 2, 0)
    pairs = np.where(ids > 0, (ids + 1) // 2, 0)
    planes, vectors = [], []
    for plane in (whole, pieces, np.zeros_like(ids), pairs):
        out = np.full(ids.shape, -1.0, np.float32)
        for label in np.unique(plane[plane > 0]):
            out[plane == label] = len(vectors)
            shares = np.bincount(ids[plane == label], minlength=len(truth) + 1)[1:]
            shown = rng.integers(len(truth)) if rng.random() < WRONG else None
            own = truth[shown] if shown is not None else unit(shares @ truth)
            vectors.append(unit(own + 0.6 * unit(rng.normal(size=DIM))))
        planes.append(out)
    return np.stack(planes), np.array(vectors, np.float32)


def test_objects_get_the_vectors_of_their_instances(room):
    folder, truth = room
    scene = gsseg.load_scene(folder)
    ids = np.load(folder / "gt" / "gaussian_instance.npy").astype(np.int32)
    views, _ = load_views(folder, scene.splats.path)
    files = MaskVectorFiles.find(folder, folder, views)
    assert files.dim == DIM
    assert set(files.files) == {file.stem for file in (folder / "masks").glob("*.png")}
    shown = [view for view in views if view.name in files.files]
    found = vectors_from_masks(scene.gaussians, ids, len(truth), shown, files.read)
    known = ~np.isnan(found.vectors[:, 0])
    owners = found.objects[known]
    assert len(np.unique(owners)) > 0.8 * len(truth)
    assert np.array_equal(np.unique(found.objects), np.arange(len(truth)))
    first = np.unique(owners, return_index=True)[1]  # the one that most of the object's masks agree on
    nearest = (found.vectors[known] @ truth.T).argmax(1)
    assert (nearest == owners)[first].mean() > 0.95
    cosine = (found.vectors[known] * truth[owners]).sum(1)
    assert np.median(cosine[first]) > 0.93
    shuffled = ids.copy()  # objects that lie everywhere fill no mask
    np.random.default_rng(0).shuffle(shuffled)
    wrong = vectors_from_masks(scene.gaussians, shuffled, len(truth), shown, files.read).vectors
    assert np.isnan(wrong).all()
