"""scene.gsseg: what goes in comes out, and nothing else is taken for it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gsseg.compressed import CompressedScene, compress, read_scene, write_scene
from gsseg.compressed.describe import describe_compressed
from gsseg.compressed.language import encode_language
from gsseg.errors import InputError
from gsseg.objects.segmentation import NO_CODE, Segmentation
from gsseg.objects.table import ObjectInfo


def make_segmentation(gaussians: int = 3000, seed: int = 0) -> Segmentation:
    """Four objects of three codes each, and Gaussians of none; learnt features scatter about the discrete ones."""
    rng = np.random.default_rng(seed)
    fine = rng.integers(0, 12, gaussians).astype(np.int32)
    ids = (fine // 3).astype(np.int32)
    ids[rng.random(gaussians) < 0.05] = -1
    bare = rng.random(gaussians) < 0.1
    ids[bare], fine[bare] = -1, NO_CODE
    coarse = np.where(bare, NO_CODE, fine // 2).astype(np.int32)
    book = rng.normal(size=(12, 6)).astype(np.float32)
    discrete = np.where(bare[:, None], np.float32(0), book[np.where(bare, 0, fine)])
    learnt = np.where(bare[:, None], np.float32(0), discrete + 0.1 * rng.normal(size=(gaussians, 6)).astype(np.float32))
    corners = [0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [1.5, 2.0, 3.0]
    table = [ObjectInfo(k, f"<b>object</b> {k} \u2603", 9, [3 * k], *corners, [k, 2, 3], 4, 0.5) for k in range(4)]
    return Segmentation(ids, coarse, fine, discrete, learnt, table)


MEANS = np.random.default_rng(9).normal(size=(3000, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def segmentation() -> Segmentation:
    return make_segmentation()


@pytest.fixture(scope="module")
def made(segmentation) -> CompressedScene:
    language = encode_language(np.random.default_rng(1).normal(size=(4, 96)).astype(np.float32))
    return compress(segmentation, "splats.ply", MEANS, 2, 16, language=language)


@pytest.fixture
def file(made, tmp_path) -> Path:
    write_scene(tmp_path / "scene.gsseg", made)
    return tmp_path / "scene.gsseg"


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
        np.square(compress(segmentation, "s", MEANS, levels, 16).learnt - segmentation.learnt)[seen].mean()
        for levels in range(4)
    ]
    assert errors[0] == pytest.approx(np.square(segmentation.discrete - segmentation.learnt)[seen].mean())
    assert errors[1] < 0.8 * errors[0]
    assert errors[2] < 0.8 * errors[1]
    assert errors[3] < 0.8 * errors[2]


def test_unseen_gaussians_get_nearly_their_discrete_feature(segmentation):
    scene = compress(segmentation, "s", MEANS, 3, 64)
    unseen = ~segmentation.learnt.any(axis=1)
    assert unseen.any()
    assert np.abs(scene.learnt - scene.discrete)[unseen].max() < 0.1


def test_permuted_gaussians_permute(segmentation):
    order = np.random.default_rng(3).permutation(3000)
    moved = {name: getattr(segmentation, name)[order] for name in ("object_ids", "code_coarse", "code_fine")}
    moved |= {"discrete": segmentation.discrete[order], "learnt": segmentation.learnt[order]}
    scene = compress(segmentation, "s", MEANS, 0)
    permuted = compress(dataclasses.replace(segmentation, **moved), "s", MEANS, 0)
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
    assert dict(describe_compressed(file))["language"] == "4 vectors of 96 components"


def test_language_vectors_are_found_again(file):
    vectors = np.random.default_rng(1).normal(size=(4, 96)).astype(np.float32)
    codes, read = encode_language(vectors), read_scene(file).language
    assert read is not None
    assert np.array_equal(codes.packed, read.packed)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, 0.5, 0.99, -1])
def test_a_file_cut_short_is_refused(file, kept):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(InputError) as error:
        read_scene(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_any_changed_byte_is_noticed(file):
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.choice(len(whole), 60, replace=False):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.integers(8)]) + whole[at + 1 :])
        with pytest.raises(InputError):
            read_scene(file)


def rewritten(file: Path, **changes: object) -> None:
    """Writes the file again with other metadata or tensors, and a checksum that is right for them."""
    from safetensors import safe_open

    from gsseg.compressed.file import _digest

    tensors = load_file(file)
    with safe_open(file, framework="np") as opened:
        header = dict(opened.metadata())
    header.pop("sha256")
    for name, value in changes.items():
        (header if isinstance(value, str) else tensors)[name] = value
    save_file(tensors, file, {**header, "sha256": _digest(tensors, header)})


def broken_table(**changes: object) -> str:
    rows = [dataclasses.asdict(row) for row in make_segmentation().objects]
    rows[1] |= changes
    return json.dumps(rows)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "2"}, "has version 2, and this gsseg reads version 1"),
        ({"format": "other"}, "no scene.gsseg"),
        ({"gaussians": "2990"}, "do not hold 2990 numbers"),
        ({"gaussians": "10000000000000"}, "do not hold"),
        ({"gaussians": "many"}, "contradicts itself"),
        ({"labels": np.full(1875, 255, np.uint8)}, "a label is outside its table"),
        ({"label_objects": np.full(25, 4, np.int32)}, "object is none of the 4"),
        ({"label_objects": np.full(25, -2, np.int32)}, "object is none of the 4"),
        ({"label_objects": np.zeros(25, np.float32)}, "label_objects is float32"),
        ({"label_codes": np.full((25, 2), 70000, np.int32)}, "16 bits"),
        ({"label_features": np.full((25, 6), np.nan, np.float32)}, "not finite"),
        ({"residual_codebooks": np.zeros((2, 9, 6), np.float32)}, "outside its codebook"),
        ({"residual_codebooks": np.zeros((3, 16, 6), np.float32)}, "differ in number"),
        ({"residual_codebooks": np.zeros((2, 16, 5), np.float32)}, "no code of its width"),
        ({"objects": "[]"}, "object is none of the 0"),
        ({"objects": "{}"}, "no list of objects"),
        ({"objects": "]"}, "contradicts itself"),
        ({"objects": broken_table(color=[1, 2])}, "object 1 has color"),
        ({"objects": broken_table(name=7)}, "object 1 has name 7"),
        ({"objects": broken_table(id=2)}, "object 1 has id 2"),
        ({"objects": broken_table(agreement=True)}, "object 1 has agreement True"),
        ({"objects": broken_table(bbox_min=[0, float("nan"), 0])}, "object 1 has bbox_min"),
        ({"objects": broken_table(more=1)}, "object 1 has not the fields"),
    ],
)
def test_contradictions_are_named(file, changes, said):
    rewritten(file, **changes)
    with pytest.raises(InputError) as error:
        read_scene(file)
    assert said in str(error.value)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


def test_the_checksum_is_of_values_not_of_this_machines_bytes(file):
    from gsseg.compressed.file import _digest

    tensors = load_file(file)
    swapped = {name: value.astype(value.dtype.newbyteorder(">")) for name, value in tensors.items()}
    assert swapped["label_features"].tobytes() != tensors["label_features"].tobytes()
    assert _digest(swapped, {}) == _digest(tensors, {})


def test_foreign_files_are_refused(tmp_path):
    other = tmp_path / "scene.gsseg"
    save_file({"x": np.zeros(3, np.float32)}, other)
    with pytest.raises(InputError, match="safetensors file, but no scene"):
        read_scene(other)
    other.write_bytes(b"\x80\x04\x95 a pickle" * 9)
    with pytest.raises(InputError, match="is no scene"):
        read_scene(other)
    with pytest.raises(InputError, match="does not exist"):
        read_scene(tmp_path / "nothing.gsseg")
    with pytest.raises(InputError, match="is a folder"):
        read_scene(tmp_path)


def test_an_existing_file_survives_a_failure(segmentation, file, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr("gsseg.compressed.file.save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_scene(file, compress(segmentation, "s", MEANS, 0))
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == ["scene.gsseg"]


def test_features_that_differ_inside_a_code_are_refused(segmentation):
    discrete = segmentation.discrete.copy()
    discrete[np.flatnonzero(segmentation.code_fine == 3)[5]] += 1
    with pytest.raises(ValueError, match="differ in their discrete feature"):
        compress(dataclasses.replace(segmentation, discrete=discrete), "s", MEANS)


def test_a_scene_that_no_mask_shows(tmp_path):
    none = np.full(5, NO_CODE, np.int32)
    bare = Segmentation(np.full(5, -1, np.int32), none, none, *(np.zeros((5, 6), np.float32) for _ in range(2)), [])
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
