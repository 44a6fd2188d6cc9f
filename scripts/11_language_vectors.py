"""What the choices behind language vectors rest on: how views are combined, which of them count, and bits a component.

    python scripts/11_language_vectors.py [SCENE RUN]

No CLIP model is needed: vectors are drawn with the angles that CLIP's have (pictures of other things at a cosine of
0.5 to 0.7, a text at 0.2 to 0.3 to the picture it fits, a few hundredths above the others). With a made SCENE and a RUN
of it the whole way from masks to objects is measured, for several bounds of IoU and powers of it as weights.
"""

import sys
from pathlib import Path

import numpy as np
from numpy import ndarray

import gsseg
from gsseg.compressed.language import encode_language
from gsseg.io.label_png import read_label_png
from gsseg.language.from_masks import best_masks, member_matrix
from gsseg.quantize import BinaryQuantizer

DIM = 512


def unit(rows: ndarray) -> ndarray:
    """Rows scaled to unit length."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def things(rng: np.random.Generator, count: int, common: float = 0.6) -> ndarray:
    """Picture vectors of things whose cosines to each other are about ``common``."""
    return unit(
        np.sqrt(common) * unit(rng.normal(size=DIM)) + np.sqrt(1 - common) * unit(rng.normal(size=(count, DIM)))
    )


def noisy(rng: np.random.Generator, vectors: ndarray, noise: float) -> ndarray:
    """Vectors with ``noise`` of their squared length drawn anew."""
    return unit(np.sqrt(1 - noise) * vectors + np.sqrt(noise) * unit(rng.normal(size=vectors.shape)))


def mean(vectors: ndarray, weights: ndarray) -> ndarray:
    """Weighted mean direction."""
    return unit(weights @ vectors)


def median(vectors: ndarray, weights: ndarray) -> ndarray:
    """Geometric median on the sphere, by Weiszfeld's iteration."""
    found = mean(vectors, weights)
    for _ in range(50):
        found = mean(vectors, weights / np.maximum(np.linalg.norm(vectors - found, axis=1), 1e-6))
    return found


def combining() -> None:
    """Mean against median, with views that show something else."""
    print("| views | noise | wrong views | mean: cosine, 5 % below, nearest | median |\n|---|---|---|---|---|")
    for views in (5, 20):
        for noise in (0.1, 0.4, 0.7):
            for wrong in (0.0, 0.2, 0.4):
                rng = np.random.default_rng([views, int(10 * noise), int(10 * wrong)])
                truth = things(rng, 200)
                found: list[list[ndarray]] = [[], []]
                for row in range(len(truth)):
                    shown = np.where(rng.random(views) < wrong, rng.integers(0, len(truth), views), row)
                    vectors, weights = noisy(rng, truth[shown], noise), rng.uniform(0.3, 1, views)
                    found[0].append(mean(vectors, weights))
                    found[1].append(median(vectors, weights))
                cells = [_cell(np.array(each), truth) for each in found]
                print(f"| {views} | {noise} | {wrong:.0%} | {' | '.join(cells)} |", flush=True)


def _cell(found: ndarray, truth: ndarray) -> str:
    cosine = (found * truth).sum(1)
    nearest = ((found @ truth.T).argmax(1) == np.arange(len(truth))).mean()
    return f"{cosine.mean():.3f}, {np.quantile(cosine, 0.05):.3f}, {nearest:.3f}"


def bits() -> None:
    """Error of the codes, and whether texts find the same objects as with float vectors."""
    print("| bits | bytes an object | cosine to float, worst | top-1 as float | top-3 as float | finds its object |")
    print("|---|---|---|---|---|---|")
    rows: dict[int, list[list[float]]] = {width: [] for width in (1, 2, 4, 8)}
    right, band = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        objects = noisy(rng, things(rng, 200), 0.1).astype(np.float32)
        texts = texts_for(rng, objects)
        cosines = texts @ objects.T
        truth = np.argsort(-cosines, axis=1)
        own = cosines[np.arange(len(objects)), np.arange(len(objects))]
        others = (cosines.sum(1) - own) / (len(objects) - 1)
        band.append([own.mean(), (own - others).mean()])
        right.append((truth[:, 0] == np.arange(len(objects))).mean())
        for width in rows:
            codes = encode_language(objects, width)
            decoded = unit(BinaryQuantizer.of(codes).decode(codes))
            order = np.argsort(-(texts @ decoded.T), axis=1)
            cosine = (decoded * objects).sum(1)
            three = np.mean([len(np.intersect1d(a, b)) / 3 for a, b in zip(order[:, :3], truth[:, :3], strict=True)])
            same, own = order[:, 0] == truth[:, 0], order[:, 0] == np.arange(len(objects))
            figures = [codes.bytes_per_vector, cosine.mean(), cosine.min(), same.mean(), three, own.mean()]
            rows[width].append([float(each) for each in figures])
    for width, each in rows.items():
        size, cosine, _, first, three, own = np.mean(each, axis=0)
        worst = np.min(each, axis=0)[2]
        print(f"| {width} | {size:.0f} | {cosine:.4f}, {worst:.4f} | {first:.3f} | {three:.3f} | {own:.3f} |")
    print(f"| float32 | 2048 | 1 | 1 | 1 | {np.mean(right):.3f} |")
    cosine, gap = np.mean(band, axis=0)
    print(f"\nA text's cosine to its own object is {cosine:.2f}, {gap:.3f} above that to the others.", flush=True)


def texts_for(rng: np.random.Generator, objects: ndarray) -> ndarray:
    """A text for each object: at a cosine of 0.2 to 0.3 to it, a few hundredths above its cosine to the others."""
    middle, own = unit(objects.mean(0)), unit(objects - objects.mean(0))
    away = unit(rng.normal(size=objects.shape))
    directions = np.linalg.svd(objects, full_matrices=False)[2]
    away -= 0.5 * (away @ directions.T) @ directions  # what a text adds is mostly none of what the pictures differ in
    return unit(0.25 * middle + rng.uniform(0.06, 0.12, (len(objects), 1)) * own + 0.96 * unit(away))


def room(scene_path: Path, run_path: Path) -> None:
    """From masks to objects in a made room, whose truth tells what each object is."""
    rng = np.random.default_rng(0)
    scene, run = gsseg.load_scene(scene_path, max_side=320), gsseg.Run.open(run_path)
    instances = np.load(scene_path / "gt" / "gaussian_instance.npy")
    truth = things(rng, int(instances.max()) + 1)
    views = [view for view in scene.views if view.labels is not None]
    members = member_matrix(run.object_ids, len(run.objects))
    fits, visible = [], np.zeros(len(scene.gaussians))
    for view in views:
        ids = read_label_png(scene_path / "gt" / "ids" / f"{view.name}.png").astype(np.int64)
        levels, vectors = spoilt(rng, ids, np.asarray(view.labels).astype(np.int64), truth)
        weights = gsseg.blend_weights(scene.gaussians, view)
        visible += weights.visibility.numpy()
        fits.append((best_masks(weights, members, levels, len(vectors)), vectors))
    shares = np.zeros((len(run.objects), len(truth)))
    inside = (run.object_ids >= 0) & (instances >= 0)
    np.add.at(shares, (run.object_ids[inside], instances[inside]), visible[inside])
    known = np.flatnonzero(shares.sum(1) > 0)
    print("| least IoU | weight | objects with a vector | cosine to the truth, 5 % below | nearest to the truth |")
    print("|---|---|---|---|---|")
    for least in (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75):
        for power in (0, 1, 2, 4):
            seen = []
            for fit, vectors in fits:
                rows = np.flatnonzero((fit.iou >= least) & (fit.iou > 0) & (fit.area >= 8))
                seen.append((rows, vectors[fit.mask[rows]], fit.iou[rows] ** power))
            found, there = mean_of_views(len(run.objects), seen)
            rows = known[there[known]]
            cosine = (found[rows] * truth[shares[rows].argmax(1)]).sum(1)
            nearest = ((found[rows] @ truth.T).argmax(1) == shares[rows].argmax(1)).mean()
            figures = f"{cosine.mean():.3f}, {np.quantile(cosine, 0.05):.3f} | {nearest:.3f}"
            print(f"| {least} | IoU^{power} | {len(rows)} of {len(known)} | {figures} |")


def mean_of_views(objects: int, seen: list[tuple[ndarray, ndarray, ndarray]]) -> tuple[ndarray, ndarray]:
    """The weighted mean direction of what the views show of each object, and which objects they show."""
    sums = np.zeros((objects, DIM))
    for rows, vectors, weights in seen:
        np.add.at(sums, rows, weights[:, None] * vectors)
    there = np.linalg.norm(sums, axis=1) > 1e-12
    return sums / np.where(there, np.linalg.norm(sums, axis=1), 1)[:, None], there


def spoilt(rng: np.random.Generator, ids: ndarray, masks: ndarray, truth: ndarray) -> tuple[ndarray, ndarray]:
    """Four levels and their vectors: the masks as given, torn, whole and merged; one in ten has a wrong vector."""
    merged = np.where(ids > 0, (ids - 1) // 2 + 1, 0)
    torn = np.where(ids > 0, ids * 4 + 2 * (np.indices(ids.shape)[0] // 24 % 2) + np.indices(ids.shape)[1] // 24 % 2, 0)
    whole = np.where(rng.random(ids.max() + 1)[ids] < 0.5, ids, 0)  # half of the things only
    levels, vectors = [], []
    for plane in (masks, torn, whole, merged):
        there, places = np.unique(plane, return_inverse=True)
        dense = places.reshape(plane.shape) + (0 if there[0] == 0 else 1)
        shares = np.zeros((dense.max() + 1, len(truth) + 1))
        np.add.at(shares, (dense.ravel(), ids.ravel()), 1)
        shares = shares[1:, 1:] + 1e-9
        rows = noisy(rng, unit(shares @ truth), 0.3)
        wrong = rng.random(len(rows)) < 0.1
        rows[wrong] = noisy(rng, truth[rng.integers(0, len(truth), wrong.sum())], 0.3)
        levels.append(np.where(dense > 0, dense + sum(map(len, vectors)), 0))
        vectors.append(rows)
    return np.stack(levels).astype(np.int64), np.concatenate(vectors).astype(np.float32)


def main() -> None:
    """Prints the tables."""
    if len(sys.argv) == 3:
        room(Path(sys.argv[1]), Path(sys.argv[2]))
        return
    bits()
    print()
    combining()


if __name__ == "__main__":
    main()
