"""A GLB read back by the few lines that the formats' documents ask for."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from gsseg.errors import InputError
from gsseg.io import splat_glb
from gsseg.io.splat_file import gaussians_from_columns
from gsseg.io.splat_glb import write_splat_glb
from gsseg.scene import Gaussians

TYPES = {5121: np.uint8, 5123: np.uint16, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The JSON, and the attributes of the one primitive."""
    content = path.read_bytes()
    magic, version, whole = struct.unpack_from("<4sII", content)
    assert (magic, version, whole) == (b"glTF", 2, len(content))
    size, kind = struct.unpack_from("<I4s", content, 12)
    assert kind == b"JSON"
    assert size % 4 == 0
    told = json.loads(content[20 : 20 + size])
    length, kind = struct.unpack_from("<I4s", content, 20 + size)
    assert kind == b"BIN\0"
    binary = content[28 + size :]
    assert length == len(binary) == told["buffers"][0]["byteLength"]
    found = {}
    for name, index in told["meshes"][0]["primitives"][0]["attributes"].items():
        accessor = told["accessors"][index]
        view = told["bufferViews"][accessor["bufferView"]]
        kind, width = np.dtype(TYPES[accessor["componentType"]]), WIDTHS[accessor["type"]]
        stride = view.get("byteStride", kind.itemsize * width)
        assert view["byteOffset"] % 4 == 0
        assert stride % 4 == 0, "vertex attributes begin at multiples of four"
        rows = np.frombuffer(binary, np.uint8)[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        table = np.ascontiguousarray(rows.reshape(accessor["count"], stride)[:, : kind.itemsize * width])
        found[name] = table.view(kind)
    return told, found


@pytest.fixture(params=[0, 1, 3])
def gaussians(request, make_columns) -> Gaussians:
    found, _ = gaussians_from_columns(Path("a.ply"), make_columns(50, request.param))
    return found


def test_every_number_is_there(gaussians: Gaussians, tmp_path: Path) -> None:
    ids = np.repeat(np.array([-1, 0, 2, 5, 0], np.int32), 10)
    write_splat_glb(tmp_path / "a.glb", gaussians, ids, [{"id": 0, "name": "Tür <b>"}])
    told, found = read(tmp_path / "a.glb")
    name = "KHR_gaussian_splatting"
    assert told["extensionsUsed"] == ["EXT_mesh_features", name]
    (primitive,) = told["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    assert primitive["extensions"][name]["kernel"] == "ellipse"
    assert np.array_equal(found["POSITION"], gaussians.means.numpy())
    low = told["accessors"][primitive["attributes"]["POSITION"]]["min"]
    assert np.array_equal(np.float32(low), gaussians.means.numpy().min(0))
    assert np.array_equal(found[f"{name}:SCALE"], gaussians.scales.numpy())
    assert np.array_equal(found[f"{name}:OPACITY"][:, 0], gaussians.opacities.numpy())
    turns = Rotation.from_quat(found[f"{name}:ROTATION"])  # xyzw, as scipy has it
    expected = Rotation.from_quat(gaussians.quats_wxyz.numpy()[:, [1, 2, 3, 0]])
    assert (turns * expected.inv()).magnitude().max() < 1e-6
    order = [(degree, k) for degree in range(gaussians.sh_degree + 1) for k in range(2 * degree + 1)]
    for place, (degree, k) in enumerate(order):
        assert np.array_equal(found[f"{name}:SH_DEGREE_{degree}_COEF_{k}"], gaussians.sh[:, place].numpy())
    assert sum("SH_DEGREE" in each for each in found) == len(order)
    (feature,) = primitive["extensions"]["EXT_mesh_features"]["featureIds"]
    assert feature == {"featureCount": 3, "nullFeatureId": 6, "attribute": 0, "label": "object"}
    assert np.array_equal(found["_FEATURE_ID_0"][:, 0], np.where(ids < 0, 6, ids))
    assert primitive["extras"] == {"objects": [{"id": 0, "name": "Tür <b>"}]}
    assert "rotation" not in told["nodes"][0]


@pytest.mark.parametrize("up", [[0, 1, 0], [0, -1, 0], [0, 0, 1], [0.6, 0, -0.8], [1e-9, -1, 0]])
def test_the_node_turns_up_to_y(make_columns, tmp_path: Path, up: list[float]) -> None:
    found, _ = gaussians_from_columns(Path("a.ply"), make_columns(3, 0))
    write_splat_glb(tmp_path / "a.glb", found, up=np.array(up, np.float64))
    turn = Rotation.from_quat(read(tmp_path / "a.glb")[0]["nodes"][0]["rotation"])
    np.testing.assert_allclose(turn.apply(up), [0, 1, 0], atol=1e-6)


def test_what_cannot_be_drawn_is_left_out_and_many_ids_are_exact(make_columns, tmp_path: Path) -> None:
    columns = make_columns(6, 0)
    columns["x"][2] = np.nan
    found, _ = gaussians_from_columns(Path("a.ply"), columns)
    ids = np.array([0, 70000, 1, 70001, -1, 3], np.int32)
    write_splat_glb(tmp_path / "a.glb", found, ids)
    attributes = read(tmp_path / "a.glb")[1]
    assert attributes["POSITION"].shape == (5, 3)
    assert attributes["_FEATURE_ID_0"].dtype == np.float32, "32-bit integers are no vertex attribute"
    assert attributes["_FEATURE_ID_0"][:, 0].tolist() == [0, 70000, 70001, 70002, 3]


def test_colours_of_points_are_linear(make_columns, tmp_path: Path) -> None:
    found, _ = gaussians_from_columns(Path("a.ply"), make_columns(2, 0))
    found.sh[:] = 0.0  # middle grey, 0.5 as a screen has it
    found.opacity_logits[:] = torch.tensor([0.0, 15.0])
    write_splat_glb(tmp_path / "a.glb", found)
    rgba = read(tmp_path / "a.glb")[1]["COLOR_0"]
    assert rgba.tolist() == [[55, 55, 55, 128], [55, 55, 55, 255]]


def test_too_much_for_a_glb(make_columns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splat_glb, "LARGEST", 1000)
    found, _ = gaussians_from_columns(Path("a.ply"), make_columns(50, 0))
    with pytest.raises(InputError, match="a GLB holds at most"):
        write_splat_glb(tmp_path / "a.glb", found)
    assert list(tmp_path.iterdir()) == []
