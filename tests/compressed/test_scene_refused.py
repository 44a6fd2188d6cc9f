"""scene.gsseg: what is cut short, damaged, foreign or contradicts itself is refused in one line."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch as torch_file
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from gsseg.compressed import read_scene
from gsseg.compressed.file import _digest
from gsseg.errors import InputError
from gsseg.segmentation import ObjectInfo


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
    tensors = load_file(file)
    with safe_open(file, framework="np") as opened:
        header = dict(opened.metadata())
    header.pop("sha256")
    for name, value in changes.items():
        (header if isinstance(value, str) else tensors)[name] = value
    save_file(tensors, file, {**header, "sha256": _digest(tensors, header)})


def broken_table(**changes: object) -> str:
    zeros = [0.0, 0.0, 0.0]
    row = ObjectInfo(1, "object 1", 9, [3], zeros, zeros, zeros, [1, 2, 3], 4, 0.5)
    return json.dumps([dataclasses.asdict(row) | {"id": 0}, dataclasses.asdict(row) | changes])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "2"}, "has version 2, and this gsseg reads version 1"),
        ({"format": "other"}, "no scene.gsseg"),
        ({"gaussians": "2990"}, "do not hold 2990 numbers"),
        ({"gaussians": "10000000000000"}, "do not hold"),
        ({"gaussians": "many"}, "contradicts itself"),
        ({"gaussians": "-1"}, "do not hold -1 numbers"),
        ({"labels": np.full(1875, 255, np.uint8)}, "a label is outside its table"),
        ({"label_objects": np.full(25, 4, np.int32)}, "object is none of the 4"),
        ({"label_objects": np.full(25, -2, np.int32)}, "object is none of the 4"),
        ({"label_objects": np.zeros(25, np.float32)}, "label_objects is float32"),
        ({"label_codes": np.full((25, 2), 70000, np.int32)}, "16 bits"),
        ({"label_features": np.full((25, 6), np.nan, np.float32)}, "not finite"),
        ({"residual_codebooks": np.zeros((2, 9, 6), np.float32)}, "outside its codebook"),
        ({"residual_codebooks": np.zeros((3, 16, 6), np.float32)}, "differ in number"),
        ({"residual_codebooks": np.zeros((2, 16, 5), np.float32)}, "differ in width"),
        ({"objects": "[]"}, "object is none of the 0"),
        ({"objects": "{}"}, "no list of objects"),
        ({"objects": "]"}, "contradicts itself"),
        ({"objects": "[" * 100_000}, "contradicts itself"),
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
    tensors = load_file(file)
    swapped = {name: value.astype(value.dtype.newbyteorder(">")) for name, value in tensors.items()}
    assert swapped["label_features"].tobytes() != tensors["label_features"].tobytes()
    assert _digest(swapped, {}) == _digest(tensors, {})


def test_foreign_files_are_refused(tmp_path):
    other = tmp_path / "scene.gsseg"
    save_file({"x": np.zeros(3, np.float32)}, other)
    with pytest.raises(InputError, match="safetensors file, but no scene"):
        read_scene(other)
    torch_file.save_file({"x": torch.zeros(3, dtype=torch.bfloat16)}, other, {"format": "gsseg scene", "version": "1"})
    with pytest.raises(InputError, match="is no scene"):
        read_scene(other)
    other.write_bytes(b"\x80\x04\x95 a pickle" * 9)
    with pytest.raises(InputError, match="is no scene"):
        read_scene(other)
    with pytest.raises(InputError, match="does not exist"):
        read_scene(tmp_path / "nothing.gsseg")
    with pytest.raises(InputError, match="is a folder"):
        read_scene(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": np.full(3000, 25)}, "a label is outside its table"),
        ({"labels": np.full(3000, -1)}, "a label is outside its table"),
        ({"label_objects": np.full(25, 4, np.int32)}, "object is none of the 4"),
        ({"label_objects": np.full(25, np.iinfo(np.int32).max, np.int32)}, "object is none of the 4"),
        ({"label_codes": np.full((25, 2), -2, np.int32)}, "16 bits"),
        ({"residual_codes": np.full((2, 3000), 16)}, "outside its codebook"),
        ({"label_features": np.full((25, 6), np.inf, np.float32)}, "not finite"),
        ({"objects": []}, "object is none of the 0"),
    ],
)
def test_what_could_not_be_read_again_is_not_made(made, changes, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(made, **changes)
    with pytest.raises(ValueError, match="language vectors are not those of its objects"):
        dataclasses.replace(made, language=made.language.take([0, 1]))
    five = made.language.take([0, 1, 1, 2, 3])
    dataclasses.replace(made, language=five, language_objects=np.array([0, 1, 1, 2, 3], np.int32))
    for owners in ([0, 1, 2, 3], [0, 1, 2, 1, 3], [0, 1, 1, 3, 3], [1, 1, 1, 2, 3], [0, 1, 1, 2, 2], [0, 1, 2, 3, 4]):
        with pytest.raises(ValueError, match="language vectors are not those of its objects"):
            dataclasses.replace(made, language=five, language_objects=np.array(owners, np.int32))
    with pytest.raises(ValueError, match="language vectors are not those of its objects"):
        dataclasses.replace(made, language=None, language_objects=np.arange(4, dtype=np.int32))
