"""How often words find the right object of a made room, with simulated CLIP vectors, a fifth of the masks wrong.

    python scripts/20_text_queries.py SCENE RUN

No CLIP model is needed: every instance has a centre among vectors with CLIP's angles, every third one another centre
on its far side; a mask has the centre of what it shows and noise, and 20 % of the masks have that of another instance.
Masks come at four levels: as the scene has them, torn, whole, and two instances merged. For every centre a text is
asked; it is right where the best object is the one that holds most of the instance.

Beside the descriptors stand the plain mean over masks (in every view the one of the scene's own masks that fits best,
all of equal weight), and the mean of masks that fit, weighed by their fit.
"""

import sys
from pathlib import Path

import numpy as np
from numpy import ndarray

import gsseg
from gsseg.compressed.language import encode_language
from gsseg.io.label_png import read_label_png
from gsseg.language.describe import LEAST_SHARE, describe_objects
from gsseg.language.from_masks import LEAST_IOU, best_masks, gated, member_matrix
from gsseg.language.search import relevancy
from gsseg.quantize.binary.quantizer import BinaryQuantizer

DIM = 512
WRONG, NOISE, COMMON = 0.2, 0.3, 0.6
DRAWS = 5
SHARES = (0.05, 0.1, LEAST_SHARE, 0.25)


def unit(rows: ndarray) -> ndarray:
    """Rows scaled to unit length."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def mixed(rng: np.random.Generator, rows: ndarray, share: float) -> ndarray:
    """Unit rows with ``share`` of their squared length drawn anew."""
    return unit(np.sqrt(1 - share) * rows + np.sqrt(share) * unit(rng.normal(size=rows.shape)))


class Simulated:
    """Centres of instances, the vectors of masks and of texts."""

    def __init__(self, rng: np.random.Generator, instances: int, views: int) -> None:
        self.rng = rng
        self.middle = unit(rng.normal(size=DIM))
        self.centres = unit(
            np.sqrt(COMMON) * self.middle + np.sqrt(1 - COMMON) * unit(rng.normal(size=(2, instances, DIM)))
        )
        self.two_sided = np.arange(instances) % 3 == 0
        self.sides = (np.arange(views) >= views // 2).astype(int)  # the camera walks round the room

    def shown(self, view: int) -> ndarray:
        """The centre of each instance as this view shows it."""
        return np.where(self.two_sided[:, None] & (self.sides[view] == 1), self.centres[1], self.centres[0])

    def texts(self) -> tuple[ndarray, ndarray]:
        """A text for each centre, and the instance that it means: at a cosine of some 0.25 to its pictures, a few
        hundredths above that to others."""
        meant = np.concatenate([np.arange(len(self.two_sided)), np.flatnonzero(self.two_sided)])
        centres = np.concatenate([self.centres[0], self.centres[1][self.two_sided]])
        own = unit(centres - self.middle * (centres @ self.middle)[:, None])
        return unit(0.25 * self.middle + 0.15 * own + 0.96 * self._away(len(centres))), meant

    def phrases(self) -> ndarray:
        """Texts that fit everything alike."""
        return unit(0.25 * self.middle + 0.97 * self._away(4))

    def _away(self, count: int) -> ndarray:
        """Directions of their own, that are mostly none of those in which pictures differ."""
        away = unit(self.rng.normal(size=(count, DIM)))
        directions = np.linalg.svd(self.centres.reshape(-1, DIM), full_matrices=False)[2]
        return unit(away - 0.5 * (away @ directions.T) @ directions)

    def spoilt(self, ids: ndarray, masks: ndarray, view: int) -> tuple[ndarray, ndarray]:
        """Four levels of masks and the vector of each."""
        rng, truth = self.rng, self.shown(view)
        merged = np.where(ids > 0, (ids - 1) // 2 + 1, 0)
        rows, columns = np.indices(ids.shape) // 24 % 2
        torn = np.where(ids > 0, ids * 4 + 2 * rows + columns, 0)
        whole = np.where(rng.random(int(ids.max()) + 1)[ids] < 0.5, ids, 0)
        levels, vectors, count = [], [], 0
        for plane in (masks, torn, whole, merged):
            there, places = np.unique(plane, return_inverse=True)
            dense = places.reshape(plane.shape) + (0 if there[0] == 0 else 1)
            shares = np.zeros((int(dense.max()) + 1, len(truth) + 1))
            np.add.at(shares, (dense.ravel(), ids.ravel()), 1)
            each = unit((shares[1:, 1:] + 1e-9) @ truth)
            wrong = rng.random(len(each)) < WRONG
            each[wrong] = truth[rng.integers(0, len(truth), wrong.sum())]
            levels.append(np.where(dense > 0, dense + count, 0))
            vectors.append(mixed(rng, each, NOISE))
            count += len(each)
        return np.stack(levels).astype(np.int64), np.concatenate(vectors).astype(np.float32)


def mean_of(objects: int, seen: list[tuple[ndarray, ndarray, ndarray]]) -> tuple[ndarray, ndarray]:
    """One vector an object, the weighted mean direction of all that was seen of it."""
    sums = np.zeros((objects, DIM))
    for rows, vectors, weights in seen:
        np.add.at(sums, rows, weights[:, None] * vectors)
    known = np.linalg.norm(sums, axis=1) > 1e-12
    return np.where(known[:, None], sums, np.nan).astype(np.float32), np.arange(objects)


def found_first(
    vectors: ndarray, owners: ndarray, objects: int, texts: ndarray, phrases: ndarray
) -> tuple[ndarray, ndarray]:
    """The object with the greatest relevancy of each text, as searches rank them, and which objects have a vector."""
    codes = encode_language(vectors)
    decoded = unit(BinaryQuantizer.of(codes).decode(codes)).astype(np.float32)
    known = ~np.isnan(vectors[:, 0])
    best = []
    for text in texts.astype(np.float32):
        values = np.where(known, relevancy(decoded, text, phrases.astype(np.float32)), -1)
        cosines = np.where(known, decoded @ text, -1)
        best.append(owners[np.lexsort((cosines, values))[-1]])
    return np.array(best), np.isin(np.arange(objects), owners[known])


def main() -> None:
    """Prints the table."""
    scene_path, run_path = map(Path, sys.argv[1:3])
    scene, run = gsseg.load_scene(scene_path, max_side=320), gsseg.Run.open(run_path)
    instances = np.load(scene_path / "gt" / "gaussian_instance.npy")
    count, objects = int(instances.max()) + 1, len(run.objects)
    views = [view for view in scene.views if view.labels is not None]
    members = member_matrix(run.object_ids, objects)
    holds = np.zeros((objects, count))
    inside = (run.object_ids >= 0) & (instances >= 0)
    np.add.at(holds, (run.object_ids[inside], instances[inside]), 1)
    right = holds.argmax(0)
    weights = [gsseg.blend_weights(scene.gaussians, view) for view in views]
    names = ["plain mean over masks", "mean of masks that fit", "the centres themselves"]
    names += [f"descriptors of at least {share:.0%}" for share in SHARES]
    results: dict[str, list[list[float]]] = {name: [] for name in names}
    for draw in range(DRAWS):
        simulated = Simulated(np.random.default_rng(draw), count, len(views))
        plain, fits, all_vectors = [], [], []
        for number, (view, each) in enumerate(zip(views, weights, strict=True)):
            ids = read_label_png(scene_path / "gt" / "ids" / f"{view.name}.png").astype(np.int64)
            levels, vectors = simulated.spoilt(ids, np.asarray(view.labels).astype(np.int64), number)
            fits.append(best_masks(each, members, levels, len(vectors)))
            all_vectors.append(vectors)
            first = best_masks(each, members, levels[:1], len(vectors))
            rows = np.flatnonzero(first.iou > 0)
            plain.append((rows, vectors[first.mask[rows]], np.ones(len(rows))))
        seen = gated(fits, all_vectors, LEAST_IOU)
        described = [describe_objects(objects, seen, least_share=share) for share in SHARES]
        texts, meant = simulated.texts()
        phrases = simulated.phrases()
        centres = np.concatenate([simulated.centres[0], simulated.centres[1][simulated.two_sided]])
        exact = centres.astype(np.float32), right[meant]
        ways = [mean_of(objects, plain), mean_of(objects, seen), exact]
        ways += [(each.vectors, each.objects) for each in described]
        for name, (vectors, owners) in zip(results, ways, strict=True):
            best, known = found_first(vectors, owners, objects, texts, phrases)
            hit, two = best == right[meant], simulated.two_sided[meant]
            results[name].append(
                [float(hit.mean()), float(hit[~two].mean()), float(hit[two].mean()), len(owners), float(known.sum())]
            )
    print("| | top-1 | one-sided | two-sided | vectors | objects with one |\n|---|---|---|---|---|---|")
    for name, rows in results.items():
        cells = np.mean(rows, axis=0)
        print(f"| {name} | {cells[0]:.3f} | {cells[1]:.3f} | {cells[2]:.3f} | {cells[3]:.0f} | {cells[4]:.0f} |")


if __name__ == "__main__":
    main()
