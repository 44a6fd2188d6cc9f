"""Exposures measured on points: what was done to the photos is found again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.scene import View
from gsseg.splats.brightness import first_exposures
from gsseg.splats.exposure import NONE, as_they_are
from gsseg.splats.initial import Points
from gsseg.splats.photos import PhotoCache
from tests.splats import wall

GAINS = np.array([1.2, 0.9, 1.0, 0.8, 1.1])
OFFSETS = np.array([-0.1, 0.05, 0.0, 0.1, -0.05])


def on_the_wall() -> Points:
    places = wall.points()
    middle = wall.camera_at(0.0)
    column, row = middle.project(places)[0].astype(np.int64).T
    inside = (column >= 0) & (row >= 0) & (column < wall.WIDTH) & (row < wall.HEIGHT)
    grey = wall.picture(middle)[row[inside], column[inside]]
    return Points(places[inside], np.repeat(grey[:, None], 3, 1))


@pytest.fixture
def photos(tmp_path: Path) -> PhotoCache:
    views = []
    for index, camera in enumerate(wall.CAMERAS):
        path = tmp_path / f"{index}.png"
        grey = np.clip(GAINS[index] * wall.picture(camera) + OFFSETS[index], 0, 1)
        Image.fromarray(np.repeat((255 * grey + 0.5).astype(np.uint8)[:, :, None], 3, 2)).save(path)
        views.append(View(str(index), camera, photo=path))
    return PhotoCache(views, 64)


def test_gains_and_offsets_are_found_though_some_points_are_hidden(photos: PhotoCache):
    points = on_the_wall()
    colors = points.colors.copy()
    colors[::5] = 1.0  # what is hidden shows the colour of something else
    found = first_exposures(True, photos, replace(points, colors=colors))
    gray = 0.5  # compared as a whole: gain and offset of so few points are not sharp each
    done = GAINS * gray + OFFSETS
    assert found[:, 0].mean(1) * gray + found[:, 1].mean(1) - 0.5 == pytest.approx(done - done.mean(), abs=0.02)
    assert found[:, 0].mean(1) == pytest.approx(GAINS, abs=0.15)  # held near 1
    assert found.mean(0) == pytest.approx(NONE + np.zeros((2, 3)), abs=1e-6)


def test_guessed_points_and_few_points_say_nothing(photos: PhotoCache):
    none = as_they_are(5)
    points = on_the_wall()
    assert np.array_equal(first_exposures(True, photos, replace(points, guessed=True)), none)
    assert np.array_equal(first_exposures(False, photos, points), none)
    assert first_exposures(True, photos, points.some(20, 0)) == pytest.approx(none)
