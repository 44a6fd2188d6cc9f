"""The presets: scenes whose scores are published stay as they are, bit for bit; scans hold what they promise."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.sample import ScanNoise, holds_room, preset, write_room
from gsseg.sample.config import Preset
from gsseg.sample.write import furnished


def small(name: Preset, seed: int, out: Path) -> Path:
    room, noise = preset(name, seed)
    size = {"objects": 8, "gaussians": 6000, "test_views": 1, "width": 96, "height": 72}
    return write_room(out, replace(room, views=20 if name == "scan" else 5, **size), noise)


def digest(folder: Path) -> str:
    """Hash of what is whole numbers and so the same on every machine: ids, masks, truth, configuration."""
    found = hashlib.sha256()
    for name in ("gt/ids", "masks"):
        for path in sorted((folder / name).iterdir()):
            found.update(np.array(Image.open(path)).astype("<i4").tobytes())
    found.update(np.load(folder / "gt" / "gaussian_instance.npy").astype("<i4").tobytes())
    found.update((folder / "gt" / "scene.json").read_bytes())
    return found.hexdigest()[:16]


@pytest.mark.parametrize(
    ("name", "expected", "brightness"),
    [
        ("room", "158afcbe7fccdf98", 122.6399),
        ("hard", "db0635a8295f6419", 122.6399),
        ("flat", "4f470e26367f7ef5", 160.1121),
    ],
)
def test_scenes_of_published_scores_stay(name, expected, brightness, tmp_path):
    folder = small(name, 4, tmp_path / "scene")
    assert digest(folder) == expected
    photos = [np.array(Image.open(path)).mean() for path in sorted((folder / "images").iterdir())]
    assert np.mean(photos) == pytest.approx(brightness, abs=1e-3)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small("scan", 3, tmp_path_factory.mktemp("scan") / "scene")


def test_a_scan_lacks_masks_of_some_views(scan):
    held_out = set(json.loads((scan / "gt" / "test_views.json").read_text()))
    photos = {path.stem for path in (scan / "images").iterdir()}
    masked = {path.stem for path in (scan / "masks").iterdir()}
    assert len(photos) == 21
    assert masked <= photos - held_out
    assert len(photos - held_out - masked) == round(ScanNoise().unmasked_views * 20) == 1


def test_a_scan_is_known_by_its_rates(scan, tmp_path):
    described = json.loads((scan / "gt" / "scene.json").read_text())
    assert described["noise"] == vars(ScanNoise())
    config, noise = preset("scan", 3)
    assert not holds_room(scan, config, noise)
    size = {"objects": 8, "gaussians": 6000, "test_views": 1, "width": 96, "height": 72, "views": 20}
    assert holds_room(scan, replace(config, **size), noise)
    assert digest(small("scan", 3, tmp_path / "again")) == digest(scan)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_scan_has_large_pale_things_side_by_side(seed):
    config, _ = preset("scan", seed)
    home, cams = furnished(replace(config, views=12, test_views=2))
    names = [item.name for item in home.items]
    assert 1 <= len(home.rooms) <= 3
    assert {"wall", "floor", "fridge", "counter", "curtain", "window"} <= set(names)
    assert all(any(rect.holds(*camera.position[:2]) for rect in home.rooms) for camera in cams)
    fridge = next(item for item in home.items if item.name == "fridge")
    near = [item for item in home.items if not item.shell and item is not fridge and item.mesh.size[2] > 0.8]
    gaps = [np.linalg.norm(item.position[:2] - fridge.position[:2]) - item.mesh.size[0] / 2 - 0.31 for item in near]
    assert min(gaps) < 0.05


def test_few_views_differ_in_number_alone():
    many, few = preset("scan", 5), preset("scan_few", 5)
    assert replace(few[0], views=80) == many[0]
    assert few[1] == many[1]


def test_spoilt_scans_are_the_homes_of_scans_with_the_masks_of_others():
    assert preset("scan_spoilt", 5) == (preset("scan", 5)[0], preset("flat")[1])
    assert preset("scan_spoilt_few", 5) == (preset("scan_few", 5)[0], preset("hard")[1])
