"""Colours that are solved for: those of plain linear algebra, and nothing where nothing is to be gained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gsseg.render import blend_weights
from gsseg.scene.sh import SH_0
from gsseg.splats import SplatConfig, solve
from gsseg.splats.exposure import Exposures, as_they_are
from gsseg.splats.photos import PhotoCache
from gsseg.splats.scene import load_splat_scene
from gsseg.splats.solve import solved_colors
from tests.splats.conftest import truth


@pytest.fixture
def photos(ball: Path) -> PhotoCache:
    return PhotoCache(load_splat_scene(ball, ball / "splats.ply", None, None, 0, None, 0).train, 64)


def exposures(photos: PhotoCache) -> Exposures:
    return Exposures(SplatConfig(), as_they_are(len(photos.views)))


def test_they_are_the_solution_of_the_normal_equations(photos: PhotoCache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(solve, "ROUNDS", 100)
    wrong = replace(truth(), sh=torch.zeros(60, 1, 3))
    found = solved_colors(wrong, photos, exposures(photos), 0)
    rows, wanted = [], []
    for index, view in enumerate(photos.views):
        rows.append(blend_weights(wrong, view.camera).to_dense().numpy().astype(np.float64))
        pixels = photos.read(index, 1).pixels[:, :, : view.camera.width]
        wanted.append(pixels.reshape(3, -1).T - rows[-1] @ np.full((60, 3), 0.5))
    matrix = np.concatenate(rows)
    exact = np.linalg.solve(matrix.T @ matrix + np.eye(60), matrix.T @ np.concatenate(wanted))
    np.testing.assert_allclose(found, exact, atol=2e-3)


def test_true_colours_stay_and_wrong_ones_come_back(photos: PhotoCache):
    right = truth()
    assert np.abs(solved_colors(right, photos, exposures(photos), 0)).max() < 0.02  # photos are of whole bytes
    shift = np.random.default_rng(0).normal(0, 0.1, (60, 3)).astype(np.float32)
    wrong = replace(right, sh=right.sh + torch.from_numpy(shift[:, None] / SH_0))
    found = solved_colors(wrong, photos, exposures(photos), 0)
    assert np.abs(found + shift).mean() < 0.3 * np.abs(shift).mean()


def test_a_sample_of_the_pixels_gives_about_the_same(photos: PhotoCache, monkeypatch: pytest.MonkeyPatch):
    wrong = replace(truth(), sh=torch.zeros(60, 1, 3))
    whole = solved_colors(wrong, photos, exposures(photos), 0)
    monkeypatch.setattr(solve, "PIXELS", 9 * 800)
    some = solved_colors(wrong, photos, exposures(photos), 0)
    assert not np.array_equal(some, whole)
    assert np.corrcoef(some.reshape(-1), whole.reshape(-1))[0, 1] > 0.95
    assert np.array_equal(some, solved_colors(wrong, photos, exposures(photos), 0))
