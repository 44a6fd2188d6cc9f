"""scene.gsseg: what goes in comes out."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from gsseg.compressed import compress, read_scene, write_scene
from gsseg.compressed.language import encode_language
from gsseg.compressed.summary import summarize_compressed

MEANS = np.zeros((3000, 3), np.float32)


def test_all_but_learnt_features_is_exact(segmentation, file):
    scene = read_scene(file)
    for name in ("object_ids", "code_coarse", "code_fine", "discrete"):
        before, after = getattr(segmentation, name), getattr(scene, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before.view(np.int32), after.view(np.int32)), name
    assert scene.objects == segmentation.objects
    assert scene.splats == "splats.ply"


def test_reading_gives_what_was_written(made, file):
    read = read_scene(file)
    for name in ("labels", "label_objects", "label_codes", "label_features", "residual_codes", "residual_codebooks"):
        assert np.array_equal(getattr(made, name), getattr(read, name)), name
    assert read.splats_sha256 == made.splats_sha256


def test_each_level_brings_learnt_features_nearer(segmentation):
    seen = segmentation.learnt.any(axis=1)
    errors = [
        np.square(compress(segmentation, "s", MEANS, levels=levels, codebook_size=16).learnt - segmentation.learnt)[
            seen
        ].mean()
        for levels in range(4)
    ]
    assert errors[0] == pytest.approx(np.square(segmentation.discrete - segmentation.learnt)[seen].mean())
    assert errors[1] < 0.8 * errors[0]
    assert errors[2] < 0.8 * errors[1]
    assert errors[3] < 0.8 * errors[2]


def test_unseen_gaussians_get_nearly_their_discrete_feature(segmentation):
    scene = compress(segmentation, "s", MEANS, levels=3, codebook_size=64)
    unseen = ~segmentation.learnt.any(axis=1)
    assert unseen.any()
    assert np.abs(scene.learnt - scene.discrete)[unseen].max() < 0.1


def test_permuted_gaussians_permute(segmentation):
    order = np.random.default_rng(3).permutation(3000)
    moved = {name: getattr(segmentation, name)[order] for name in ("object_ids", "code_coarse", "code_fine")}
    moved |= {"discrete": segmentation.discrete[order], "learnt": segmentation.learnt[order]}
    scene = compress(segmentation, "s", MEANS, levels=0)
    permuted = compress(dataclasses.replace(segmentation, **moved), "s", MEANS, levels=0)
    assert np.array_equal(permuted.labels, scene.labels[order])
    assert np.array_equal(permuted.label_features, scene.label_features)


def test_the_file_is_as_small_as_its_parts_say(file):
    scene = read_scene(file)
    parts = scene.sizes()
    assert parts["objects and codes"] == 3000 * 5 // 8  # 12 codes, with and without object, and none: 25 labels
    assert parts["feature residuals"] == 2 * 3000 * 4 // 8
    stored = {name: value.nbytes for name, value in load_file(file).items()}
    assert sum(parts.values()) == sum(stored.values())
    assert file.stat().st_size < sum(parts.values()) + 4000
    described = dict(summarize_compressed(file))
    assert described["language"] == "4 vectors of 96 components"
    assert described["codes"] == "12"


def test_language_vectors_are_found_again(file):
    vectors = np.random.default_rng(1).normal(size=(4, 96)).astype(np.float32)
    codes, read = encode_language(vectors), read_scene(file).language
    assert read is not None
    assert np.array_equal(codes.packed, read.packed)


def test_several_vectors_an_object_are_found_again(file, tmp_path):
    scene, owners = read_scene(file), np.array([0, 0, 1, 2, 2, 3], np.int32)
    assert scene.language is not None
    assert (scene.language_objects, scene.language_owners.tolist()) == (None, [0, 1, 2, 3])
    several = dataclasses.replace(scene, language=scene.language.take(owners), language_objects=owners)
    write_scene(tmp_path / "several.gsseg", several)
    read = read_scene(tmp_path / "several.gsseg")
    assert np.array_equal(read.language_owners, owners)
    assert np.array_equal(read.language.packed, scene.language.packed[owners])
    described = dict(summarize_compressed(tmp_path / "several.gsseg"))
    assert described["language"] == "6 vectors of 4 objects, of 96 components"


def test_an_existing_file_survives_a_failure(segmentation, file, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr("gsseg.compressed.file.save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_scene(file, compress(segmentation, "s", MEANS, levels=0))
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == ["scene.gsseg"]


def test_features_that_differ_inside_a_code_are_refused(segmentation):
    discrete = segmentation.discrete.copy()
    discrete[np.flatnonzero(segmentation.code_fine == 3)[5]] += 1
    with pytest.raises(ValueError, match="differ in their discrete feature"):
        compress(dataclasses.replace(segmentation, discrete=discrete), "s", MEANS)


def test_a_scene_that_no_mask_shows(tmp_path, make_segmentation):
    bare = make_segmentation(np.full(5, -1))
    write_scene(tmp_path / "scene.gsseg", compress(bare, "s", MEANS[:5]))
    scene = read_scene(tmp_path / "scene.gsseg")
    assert scene.object_ids.tolist() == [-1] * 5
    assert not scene.learnt.any()


def test_reading_needs_no_training_library(file):
    code = f"""
import sys
for name in ("torch", "gsplat", "scipy", "pycolmap", "plyfile", "PIL"):
    sys.modules[name] = None
from gsseg.compressed import read_scene
scene = read_scene({str(file)!r})
print(int(scene.object_ids.max()), scene.learnt.shape)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "3 (3000, 6)", ran.stderr
