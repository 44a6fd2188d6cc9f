"""The main job on a device that refuses silent copies, on the stand-in for gsplat, beside the processor's run."""

from dataclasses import replace

import numpy as np
import pytest

import gsseg
from gsseg.codebook.levels import CodebookConfig
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from tests.emulated_device import DEVICE, EmulatedDevice
from tests.gsplat_stand_in import gsplat_stood_in

CONFIG = gsseg.TrainConfig(
    features=FeatureConfig(steps=20), codebook=CodebookConfig(coarse=4, fine=3, steps=3), pixels_per_view=256
)
RESULTS = ("segmented.ply", "objects.json", "confidence.json", "features.safetensors", "codebook.safetensors")


@pytest.fixture(scope="module")
def scene(make_small_scene, tmp_path_factory) -> gsseg.Scene:
    return gsseg.load_scene(make_small_scene(tmp_path_factory.mktemp("on_device") / "scene"))


def train_there(scene, config, out=None, **options) -> gsseg.Run:
    with gsplat_stood_in() as called, EmulatedDevice():
        run = gsseg.train(scene.to(DEVICE), config, out, **options)
    assert "rasterize_to_indices_in_range" in called
    return run


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, codebook=replace(CONFIG.codebook, target="mask_mean")),
        replace(CONFIG, objective="pixels", opengaussian=OpenGaussianConfig(passes=2)),
    ],
    ids=["default", "mask means", "pixels"],
)
def test_objects_and_features_are_those_of_the_processor(scene, config):
    found, expected = train_there(scene, config), gsseg.train(scene, config)
    assert np.array_equal(found.object_ids, expected.object_ids)
    assert [row.name for row in found.objects] == [row.name for row in expected.objects]
    assert np.allclose(found.segmentation().learnt, expected.segmentation().learnt, atol=1e-3)
    assert (found.code_fine == expected.code_fine).mean() > 0.9


def test_two_runs_are_the_same_bytes(scene, tmp_path):
    first, second = (train_there(scene, CONFIG, tmp_path / name) for name in ("first", "second"))
    for name in RESULTS:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes(), name


def test_what_one_device_began_another_does_not_go_on_with(scene, tmp_path, monkeypatch):
    """Stages of two devices differ in last bits, and a run that goes on ends as one that was never interrupted."""

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "objects":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_there(scene, CONFIG, tmp_path / "run", progress=stop)
    gathered = []
    gather = gsseg.pipeline.gather_evidence
    monkeypatch.setattr(gsseg.pipeline, "gather_evidence", lambda *given: gathered.append(given) or gather(*given))
    resumed = gsseg.train(scene, CONFIG, tmp_path / "run", resume=True)
    assert len(gathered) == 1
    expected = gsseg.train(scene, CONFIG, tmp_path / "other")
    for name in RESULTS:
        assert (resumed.path / name).read_bytes() == (expected.path / name).read_bytes(), name
