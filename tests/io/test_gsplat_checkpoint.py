"""gsplat's checkpoints: the tensors become the columns that its own PLY export has, or one line says why not."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from gsseg.errors import InputError
from gsseg.io.splat_formats import read_splats


def splats(rows=20, degree=1, seed=0):
    gen = torch.Generator().manual_seed(seed)
    shapes = {"means": (3,), "scales": (3,), "quats": (4,), "opacities": (), "sh0": (1, 3),
              "shN": ((degree + 1) ** 2 - 1, 3)}  # fmt: skip
    return {name: torch.randn(rows, *shape, generator=gen) for name, shape in shapes.items()}


def save(path, tensors, **more):
    torch.save({"step": 29_999, "splats": tensors, **more}, path)
    return path


@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_become_columns(tmp_path, degree, legacy):
    tensors = {name: torch.nn.Parameter(value) for name, value in splats(20, degree).items()}
    path = tmp_path / "ckpt_29999_rank0.pt"
    torch.save({"step": 1, "splats": tensors}, path, _use_new_zipfile_serialization=not legacy)
    file = read_splats(path)
    g, t = file.gaussians, splats(20, degree)
    assert torch.equal(g.means, t["means"])
    assert torch.equal(g.log_scales, t["scales"])
    assert torch.equal(g.opacity_logits, t["opacities"])
    assert torch.allclose(g.quats_wxyz, t["quats"] / t["quats"].norm(dim=1, keepdim=True), atol=1e-6)
    assert torch.equal(g.sh, torch.cat([t["sh0"], t["shN"]], 1))
    assert "normalize_world_space" in file.notes[0]


def test_tensors_of_other_floats_and_without_harmonics(tmp_path):
    tensors = splats(degree=0)
    del tensors["shN"]
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        path = save(tmp_path / "a.pt", {name: value.to(dtype) for name, value in tensors.items()})
        assert np.allclose(read_splats(path).columns["x"], tensors["means"][:, 0], atol=0.02)


def test_a_part_of_the_gaussians_is_refused(tmp_path):
    for rank in (0, 1):
        save(tmp_path / f"ckpt_6999_rank{rank}.pt", splats())
    for rank, other in ((0, 1), (1, 0)):
        with pytest.raises(InputError, match=rf"ckpt_6999_rank{other}\.pt another: one file a GPU"):
            read_splats(tmp_path / f"ckpt_6999_rank{rank}.pt")


class Evil:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return os.system, ("true",)


def with_tensor(name, make):
    return lambda path: save(path, {**splats(), name: make(splats()[name])})


def compressed(path):
    """The same records, deflated, one of them a bomb."""
    save(path, splats())
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    records["archive/data/0"] = bytes(20 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in records.items():
            archive.writestr(name, content)


def handmade(numel, size, stride):
    """A file whose pickle says what it likes of a record of 16 bytes."""

    class Storage:
        pass

    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (Storage(), 0, size, stride, False, {})

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return ("storage", torch.FloatStorage, "0", "cpu", numel) if isinstance(obj, Storage) else None

    def make(path):
        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump({"splats": {**dict.fromkeys(splats(), 0), "means": Tensor()}})
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", stream.getvalue())
            archive.writestr("archive/byteorder", "little")
            archive.writestr("archive/data/0", bytes(16))
            archive.writestr("archive/version", "3\n")

    return make


CASES = {
    "hello": (lambda p: p.write_bytes(b"hello"), "not a file of tensors"),
    "code": (lambda p: torch.save({"splats": Evil()}, p), "not a file of tensors"),
    "cut": (lambda p: (save(p, splats()), p.write_bytes(p.read_bytes()[:-200])), "not a file of tensors"),
    "a list": (lambda p: torch.save([1, 2], p), "has no 'splats'"),
    "no splats": (lambda p: torch.save({"step": 1}, p), "has no 'splats'"),
    "nerfstudio's": (lambda p: torch.save({"step": 1, "pipeline": {}}, p), "a checkpoint of nerfstudio; convert it"),
    "no sh0": (lambda p: save(p, {k: v for k, v in splats().items() if k != "sh0"}), "have no sh0"),
    "with appearance": (
        lambda p: save(p, {**{k: v for k, v in splats().items() if k != "sh0"}, "features": torch.zeros(20, 32)}),
        "trained with appearance features",
    ),
    "a number": (with_tensor("means", lambda t: 3), "means is no tensor but int"),
    "integers": (with_tensor("means", lambda t: t.int()), "its means is int32 .*expected float"),
    "imaginary": (with_tensor("means", lambda t: t + 1j), "means is no plain tensor: complex64"),
    "another count": (with_tensor("scales", lambda t: t[:-1]), r"its scales is float32 \(19, 3\), .*\(20, 3\)"),
    "another width": (with_tensor("quats", lambda t: t[:, :3]), r"its quats is float32 \(20, 3\)"),
    "no axis": (with_tensor("means", lambda t: t[0, 0]), "its means is"),
    "no degree": (with_tensor("shN", lambda t: t[:, :2]), "2 harmonics, which is no degree"),
    "no rows": (lambda p: save(p, splats(0)), "holds 0 Gaussians"),
    "NaN": (with_tensor("means", lambda t: t * float("nan")), "none of its 20 rows can be drawn"),
    "repeated": (with_tensor("means", lambda t: torch.zeros(1, 1).expand(10**9, 3)), "more than its file holds"),
    "sparse": (with_tensor("means", lambda t: t.to_sparse()), "means is no plain tensor"),
    "quantised": (with_tensor("means", lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8)),
                  "no plain tensor|not a file of tensors"),
    "nested": (with_tensor("means", lambda t: torch.nested.nested_tensor([t, t[:3]], layout=torch.jagged)),
               "means is no plain tensor: nested|not a file of tensors"),
    "of no device": (with_tensor("means", lambda t: t.to("meta")), "no plain tensor|not a file of tensors"),
    "deflated": (compressed, "compressed records"),
    "a huge storage": (handmade(10**12, (10**12,), (1,)), "not a file of tensors|more than its file holds"),
    "a huge size": (handmade(4, (10**10, 3), (3, 1)), "not a file of tensors|more than its file holds"),
    "a negative size": (handmade(4, (-4,), (1,)), "not a file of tensors|more than its file holds"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # torch's, of tensors that are hardly used any more
@pytest.mark.parametrize("name", CASES)
def test_others_are_refused_in_one_line(tmp_path, name):
    make, says = CASES[name]
    path = tmp_path / "a.pt"
    make(path)
    with pytest.raises(InputError, match=says) as caught:
        read_splats(path)
    assert caught.value.path == str(path)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_random_damage_is_read_or_named(tmp_path):
    path = save(tmp_path / "a.pt", splats())
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        blob = bytearray(whole)
        for at in rng.integers(0, len(blob), 6):
            blob[at] = int(rng.integers(0, 256))
        path.write_bytes(blob)
        try:
            read_splats(path)
        except InputError:
            refused += 1
    assert refused > 10
