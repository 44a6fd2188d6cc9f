"""PlayCanvas' compressed PLY, against a packer written here and against a real pair of files."""

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from gsseg.io.splat_file import REQUIRED
from gsseg.io.splat_formats import read_splats

SH_C0 = 0.28209479177387814


def pack(means, log_scales, quats, colours, alphas, path, rest=None):
    """Writes float arrays as a compressed PLY of one chunk for every 256 rows, by the format's description."""
    rows = len(means)
    chunks = -(-rows // 256)
    kinds = ("", "scale_")
    bounds = np.zeros(chunks, [(f"{e}_{k}{a}", "<f4") for k in kinds for e in ("min", "max") for a in "xyz"]
                      + [(f"{e}_{c}", "<f4") for e in ("min", "max") for c in "rgb"])  # fmt: skip
    vertex = np.zeros(rows, [(f"packed_{n}", "<u4") for n in ("position", "rotation", "scale", "color")])

    def place(values, names, bits):
        steps = np.empty((rows, 3), np.uint32)
        for chunk in range(chunks):
            part = slice(256 * chunk, 256 * chunk + 256)
            for i, name in enumerate(names):
                low, high = values[part, i].min(), values[part, i].max() + 1e-6
                bounds[f"min_{name}"][chunk], bounds[f"max_{name}"][chunk] = low, high
                steps[part, i] = np.rint((values[part, i] - low) / (high - low) * (2 ** bits[i] - 1))
        return steps

    p = place(means, "xyz", (11, 10, 11))
    s = place(log_scales, ("scale_x", "scale_y", "scale_z"), (11, 10, 11))
    c = place(colours, "rgb", (8, 8, 8))
    vertex["packed_position"] = p[:, 0] << 21 | p[:, 1] << 11 | p[:, 2]
    vertex["packed_scale"] = s[:, 0] << 21 | s[:, 1] << 11 | s[:, 2]
    vertex["packed_color"] = c[:, 0] << 24 | c[:, 1] << 16 | c[:, 2] << 8 | np.rint(alphas * 255).astype(np.uint32)
    largest = np.abs(quats).argmax(1)
    for row in range(rows):
        q = quats[row] * np.sign(quats[row, largest[row]])
        word = int(largest[row])
        for component in np.delete(q, largest[row]):
            word = word << 10 | round((component / np.sqrt(2) + 0.5) * 1023)
        vertex["packed_rotation"][row] = word
    elements = [PlyElement.describe(bounds, "chunk"), PlyElement.describe(vertex, "vertex")]
    if rest is not None:
        elements.append(PlyElement.describe(rest, "sh"))
    PlyData(elements, byte_order="<").write(str(path))


@pytest.fixture
def numbers():
    rng = np.random.default_rng(5)
    rows = 300
    quats = rng.normal(size=(rows, 4))
    return {
        "means": rng.normal(size=(rows, 3)) * 3,
        "log_scales": rng.normal(size=(rows, 3)) - 4,
        "quats": quats / np.linalg.norm(quats, axis=1, keepdims=True),
        "colours": rng.uniform(size=(rows, 3)),
        "alphas": np.concatenate([[0.0, 1.0], rng.uniform(0.1, 0.9, rows - 2)]),
    }


def test_decodes_to_within_half_a_step_of_what_was_packed(tmp_path, numbers):
    pack(**numbers, path=tmp_path / "a.ply")
    file = read_splats(tmp_path / "a.ply")
    g = file.gaussians
    span = np.ptp(numbers["means"], axis=0) / 1000
    assert (np.abs(g.means.numpy() - numbers["means"]) <= span).all()
    assert np.abs(g.log_scales.numpy() - numbers["log_scales"]).max() < 0.005
    assert np.abs((g.quats_wxyz.numpy() * numbers["quats"]).sum(1)).min() > 1 - 1e-5
    assert np.abs(g.sh[:, 0].numpy() * SH_C0 + 0.5 - numbers["colours"]).max() < 1 / 255
    assert np.abs(g.opacities.numpy() - numbers["alphas"]).max() < 1 / 255
    assert any(note.startswith("2 opacity logits are infinite") for note in file.notes)


def test_spherical_harmonics_of_a_compressed_file(tmp_path, numbers):
    rest = np.zeros(300, [(f"f_rest_{i}", "u1") for i in range(9)])
    rest["f_rest_0"], rest["f_rest_4"], rest["f_rest_8"] = 0, 255, 160
    pack(**numbers, path=tmp_path / "a.ply", rest=rest)
    sh = read_splats(tmp_path / "a.ply").gaussians.sh
    assert sh.shape == (300, 4, 3)
    assert sh[0, 1, 0] == -4
    assert sh[0, 2, 1] == 4
    assert sh[0, 3, 2].item() == pytest.approx((160.5 / 256 - 0.5) * 8)


def test_real_pair_holds_the_same_gaussians_in_the_same_order(shared):
    plain = read_splats(shared / "scenes" / "splats" / "guitar.ply").columns
    decoded = read_splats(shared / "scenes" / "splats" / "guitar.compressed.ply").columns
    for name in REQUIRED:
        assert np.array_equal(np.isinf(plain[name]), np.isinf(decoded[name]))
        finite = np.isfinite(plain[name])
        assert np.abs(plain[name][finite] - decoded[name][finite]).max() < 1e-5, name
