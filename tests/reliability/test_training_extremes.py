"""Few views, few pixels, few or absurd Gaussians: training ends with a result, or with one line that says why not."""

import numpy as np
import pytest

from gsseg.cli.main import main
from tests.reliability.fuzz_seeds import make_scene, splat_columns
from tests.reliability.fuzz_training import damage_training, train_and_look

SCALE, POSITION = ("scale_0", "scale_1", "scale_2"), ("x", "y", "z")


def columns_with(rows=40, **values):
    columns = splat_columns(np.random.default_rng(0), 0, rows)
    for name, value in values.items():
        columns[name] = value
    return columns


def trained(tmp_path, columns=None, views=4, options=()):
    make_scene(tmp_path / "scene", np.random.default_rng(1), views, columns)
    return main(["train", "-s", str(tmp_path / "scene"), "-m", str(tmp_path / "run"), *options])


@pytest.mark.parametrize("views", [1, 2, 4])
def test_few_views(tmp_path, views):
    assert trained(tmp_path, views=views) == 0


@pytest.mark.parametrize("shrink", range(1, 17))
def test_every_resolution(tmp_path, shrink):
    assert trained(tmp_path, options=["-r", str(shrink)]) == 0


@pytest.mark.parametrize("side", [1, 2, 7, 64])
def test_pictures_of_few_pixels(tmp_path, side):
    assert trained(tmp_path, views=2, options=["--max-side", str(side)]) == 0


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_gaussians(tmp_path, rows):
    assert trained(tmp_path, columns_with(rows)) == 0


EXTREME = {
    "as large as they may be": ({name: 20.0 for name in SCALE}, 0),
    "of no size": ({name: -100.0 for name in SCALE}, 0),
    "beyond every size": ({name: 1e30 for name in SCALE}, 2),
    "in one point": ({name: 0.0 for name in POSITION}, 0),
    "in one plane": ({"z": 0.0}, 0),
    "far away": ({"x": 9e8}, 2),
    "nowhere": ({"x": 3e38}, 2),
    "transparent": ({"opacity": -100.0}, 2),
    "opaque": ({"opacity": 100.0}, 0),
    "of no colour that is one": ({"f_dc_0": 1e30}, 2),
    "of an absurd colour": ({"f_dc_0": 9e5}, 0),
}


@pytest.mark.parametrize("kind", EXTREME)
def test_extreme_gaussians(tmp_path, capfd, kind):
    values, status = EXTREME[kind]
    assert trained(tmp_path, columns_with(**values)) == status
    said = capfd.readouterr().err
    assert said.count("\n") == (1 if status else 0), said


@pytest.mark.parametrize("seed", [122, 257])
def test_a_few_gaussians_far_from_all_others(tmp_path, seed):
    columns, rng = columns_with(), np.random.default_rng(seed)
    columns["x"][rng.random(len(columns)) < 0.3] = 3e38
    columns["f_dc_1"][rng.random(len(columns)) < 0.3] = -3e38
    make_scene(tmp_path / "scene", rng, 4, columns)
    (tmp_path / "options").write_text("-r 4")
    train_and_look(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_random_extremes(tmp_path, seed):
    damage_training(np.random.default_rng(seed), tmp_path, tmp_path)
    assert main(["train", "-s", str(tmp_path / "scene"), "-m", str(tmp_path / "run")]) in (0, 2)
