"""What the masks say of each Gaussian, against plain loops over the dense weights of every view."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.features.evidence import SMALLEST_WEIGHT, centre_pixels, gather_evidence
from gsseg.render import BlendWeights, blend_weights
from gsseg.scene import Camera, Gaussians, View

WIDTH, HEIGHT = 36, 28


def view_from(angle: float, labels: np.ndarray | None, camera: Camera) -> View:
    """The camera's view after the world was turned about z by ``angle`` radians."""
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return View(f"at_{angle}", replace(camera, T_camera_world=camera.T_camera_world @ turn), labels)


@pytest.fixture(scope="module")
def gaussians(make_gaussians) -> Gaussians:
    """Small ones, and some large ones that are covered at their centres but not beside them."""
    small, large = make_gaussians("tiny", 150, seed=3), make_gaussians("huge", 40, seed=4)
    pairs = zip(small.tensors().items(), large.tensors().values(), strict=True)
    return Gaussians(**{name: torch.cat([first, second]) for (name, first), second in pairs})


@pytest.fixture(scope="module")
def views(make_camera) -> list[View]:
    """Three views with blocks of masks, and one in which nothing is masked."""
    rng = np.random.default_rng(0)
    camera = make_camera(WIDTH, HEIGHT)
    out = []
    for number, names in enumerate(([0, 1, 2], [0, 1, 2, 3], [2, 1, 0])):
        blocks = rng.choice(names, (7, 9)).astype(np.uint16)
        out.append(view_from(0.9 * number, np.kron(blocks, np.ones((4, 4), np.uint16)), camera))
    return [*out, view_from(4.0, np.zeros((HEIGHT, WIDTH), np.uint16), camera)]


@pytest.fixture(scope="module")
def weighted(gaussians, views) -> list[tuple[View, BlendWeights]]:
    return [(view, blend_weights(gaussians, view)) for view in views]


@pytest.fixture(scope="module")
def evidence(gaussians, weighted):
    return gather_evidence(gaussians, weighted)


def plain_pixels(gaussians: Gaussians, camera: Camera) -> list[int]:
    out = []
    for mean in gaussians.means.double().numpy():
        x, y, z = camera.T_camera_world[:3, :3] @ mean + camera.T_camera_world[:3, 3]
        u, v = (camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy) if z > 0 else (-1.0, -1.0)
        inside = 0 <= u < camera.width and 0 <= v < camera.height
        out.append(int(v) * camera.width + int(u) if inside else -1)
    return out


@pytest.mark.parametrize("kind", ["plain", "behind", "border"])
def test_centre_pixels_are_the_pinhole_projection(make_gaussians, views, kind):
    gaussians = make_gaussians(kind, 300, seed=5)
    for view in views:
        found = centre_pixels(gaussians, view.camera)
        assert found.tolist() == plain_pixels(gaussians, view.camera)
        assert kind == "plain" or (found < 0).any()
        assert (found >= 0).any()


def test_a_point_on_a_pixels_ray_lies_in_that_pixel(make_gaussians, views):
    camera = views[1].camera
    rng = np.random.default_rng(1)
    u, v = rng.integers(0, WIDTH, 100), rng.integers(0, HEIGHT, 100)
    rays = [camera.ray(a + 0.5, b + 0.5) for a, b in zip(u, v, strict=True)]
    points = np.stack([origin + rng.uniform(0.1, 9) * direction for origin, direction in rays])
    gaussians = replace(make_gaussians("plain", 100), means=torch.from_numpy(points.astype(np.float32)))
    assert centre_pixels(gaussians, camera).tolist() == (v * WIDTH + u).tolist()
    opposite = np.stack([origin - direction for origin, direction in rays])
    behind = replace(gaussians, means=torch.from_numpy(opposite.astype(np.float32)))
    assert (centre_pixels(behind, camera) == -1).all()


def test_every_gaussian_speaks_through_its_centre_or_through_all_its_pixels(gaussians, weighted, evidence):
    dense = [weights.to_dense().double().numpy() for _, weights in weighted]
    pixels = [plain_pixels(gaussians, view.camera) for view, _ in weighted]
    central = np.array(
        [
            any(p[g] >= 0 and w[p[g], g] > SMALLEST_WEIGHT for p, w in zip(pixels, dense, strict=True))
            for g in range(len(gaussians))
        ]
    )
    assert np.array_equal(evidence.central, central)
    tails_only = ~central & (evidence.visibility > 0)
    assert central.sum() > 20
    assert tails_only.sum() > 3

    found, row = evidence.matrix.toarray(), 0
    for (view, _), weights, under in zip(weighted, dense, pixels, strict=True):
        labels = view.labels.reshape(-1)
        for label in sorted({0, *labels.tolist()}):
            for g in range(len(gaussians)):
                if central[g]:
                    weight = weights[under[g], g] if under[g] >= 0 and labels[under[g]] == label else 0.0
                    assert found[row, g] == (weight if weight > SMALLEST_WEIGHT else 0.0)
                else:
                    weight = weights[labels == label, g].sum()
                    kept = weight if weight > SMALLEST_WEIGHT else 0.0
                    assert abs(found[row, g] - kept) < 1e-5 or abs(weight - SMALLEST_WEIGHT) < 1e-6
            row += 1
    assert row == len(found)


def test_rows_are_the_masks_of_the_views_each_after_its_unmasked_pixels(evidence, views):
    assert evidence.views == 4
    present = [sorted({0, *view.labels.reshape(-1).tolist()}) for view in views]
    assert evidence.row_view.tolist() == [number for number, labels in enumerate(present) for _ in labels]
    assert evidence.row_label.tolist() == [label for labels in present for label in labels]
    assert evidence.first_row.tolist() == np.cumsum([0, *(len(labels) for labels in present)]).tolist()
    assert np.array_equal(evidence.masks.toarray(), evidence.matrix.toarray()[evidence.row_label > 0])


def test_visibility_and_masked(evidence, weighted):
    columns = sum(weights.to_dense().double().sum(0) for _, weights in weighted)
    assert np.allclose(evidence.visibility, columns.numpy(), rtol=1e-5)
    shown = (evidence.matrix.toarray()[evidence.row_label > 0] > 0).any(axis=0)
    assert np.array_equal(evidence.masked, shown & evidence.central)
    assert (shown & ~evidence.central).any(), "tails in masks do not count"
    assert (evidence.central & ~shown).any(), "nor do centres that no mask shows"


def test_permuting_gaussians_permutes_columns(gaussians, views, evidence):
    order = np.random.default_rng(2).permutation(len(gaussians))
    shuffled = gaussians.subset(torch.from_numpy(order))
    other = gather_evidence(shuffled, [(view, blend_weights(shuffled, view)) for view in views])
    assert np.array_equal(other.central, evidence.central[order])
    assert np.array_equal(other.masked, evidence.masked[order])
    assert np.allclose(other.visibility, evidence.visibility[order], rtol=1e-5)
    assert np.allclose(other.matrix.toarray(), evidence.matrix.toarray()[:, order], rtol=1e-5, atol=1e-6)


def test_permuting_views_permutes_blocks_of_rows(gaussians, weighted, evidence):
    other = gather_evidence(gaussians, [weighted[i] for i in (2, 0, 3, 1)])
    rows = np.concatenate([np.flatnonzero(evidence.row_view == i) for i in (2, 0, 3, 1)])
    assert np.array_equal(other.row_label, evidence.row_label[rows])
    assert np.array_equal(other.matrix.toarray(), evidence.matrix.toarray()[rows])


def test_a_view_that_sees_nothing_says_nothing(gaussians, views):
    away = replace(views[0], camera=replace(views[0].camera, T_camera_world=np.diag([1.0, 1.0, 1.0, 1.0])))
    away.camera.T_camera_world[2, 3] = -50.0
    evidence = gather_evidence(gaussians, [(away, blend_weights(gaussians, away))])
    assert evidence.matrix.shape == (3, len(gaussians))
    assert evidence.matrix.nnz == 0
    assert not evidence.central.any()
    assert not evidence.masked.any()
    assert not evidence.visibility.any()
