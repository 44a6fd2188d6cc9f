"""Splat files: what is read is what was written, whatever the layout, and repairs never touch the columns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from plyfile import PlyData, PlyElement

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.splat_formats import read_splats

PLY_KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"]
names = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=8)


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Equal bit for bit in native byte order, so that NaN equals itself and -0 differs from 0."""
    kind = left.dtype.newbyteorder("=")
    return left.astype(kind).tobytes() == right.astype(kind).tobytes()


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    columns = draw(
        st.lists(st.tuples(names, st.sampled_from(PLY_KINDS)), min_size=1, max_size=6, unique_by=lambda c: c[0])
    )
    order = draw(st.sampled_from("<>"))
    return draw(st_numpy.arrays(np.dtype([(n, order + k) for n, k in columns]), draw(st.integers(1, 9))))


@settings(max_examples=60, deadline=None)
@given(table=tables(), data=st.data())
def test_every_column_and_row_survives_writing_and_reading(tmp_path_factory, table, data):
    kind = data.draw(st.sampled_from(PLY_KINDS))
    name = data.draw(st.one_of(names, st.sampled_from(table.dtype.names)))
    added = data.draw(st_numpy.arrays(np.dtype(kind), len(table)))
    path = tmp_path_factory.mktemp("ply") / "table.ply"
    write_splats(path, table, {name: added}, ["first", "second line"])
    header = read_header(path)
    back = read_rows(header, "vertex")
    expected = list(table.dtype.names) + ([] if name in table.dtype.names else [name])
    assert list(back.dtype.names) == expected
    assert header.comments == ("first", "second line")
    for column in expected:
        assert same_bits(back[column], added if column == name else table[column])
    by_plyfile = PlyData.read(str(path))["vertex"].data
    assert all(same_bits(by_plyfile[column], back[column]) for column in expected)


@pytest.mark.parametrize("degree", range(5))
@pytest.mark.parametrize(("text", "order"), [(True, "="), (False, "<"), (False, ">")])
def test_reads_every_degree_and_encoding_that_another_writer_makes(tmp_path, make_columns, degree, text, order):
    columns = make_columns(12, degree)
    path = tmp_path / "other.ply"
    PlyData([PlyElement.describe(columns, "vertex")], text=text, byte_order=order).write(str(path))
    file = read_splats(path)
    assert file.gaussians.sh_degree == degree
    assert file.notes == []
    for name in columns.dtype.names:
        assert same_bits(file.columns[name].astype("f4"), columns[name])
    assert np.array_equal(file.gaussians.means.numpy(), np.stack([columns[axis] for axis in "xyz"], 1))


def test_f_rest_is_channel_major(tmp_path, make_columns):
    columns = make_columns(3, 2)
    for i in range(24):
        columns[f"f_rest_{i}"] = i
    write_splats(tmp_path / "a.ply", columns)
    sh = read_splats(tmp_path / "a.ply").gaussians.sh
    assert sh.shape == (3, 9, 3)
    assert sh[0, 1:, 0].tolist() == list(range(8))
    assert sh[0, 1:, 2].tolist() == list(range(16, 24))


def test_column_order_extra_columns_and_missing_normals_do_not_matter(tmp_path, make_columns):
    columns = make_columns(20, 1)
    kept = [name for name in reversed(columns.dtype.names) if name not in ("nx", "ny", "nz")]
    other = np.empty(20, [(name, "<f8" if name == "opacity" else "<f4") for name in kept] + [("red", "u1")])
    for name in kept:
        other[name] = columns[name]
    other["red"] = 3
    write_splats(tmp_path / "a.ply", columns)
    write_splats(tmp_path / "b.ply", other)
    a, b = read_splats(tmp_path / "a.ply").gaussians, read_splats(tmp_path / "b.ply").gaussians
    for field in a.tensors():
        assert torch.equal(getattr(a, field), getattr(b, field))


def test_repairs_are_counted_and_leave_columns_and_row_order_alone(tmp_path, make_columns):
    columns = make_columns(60)
    columns["opacity"][[3, 4]] = np.inf, -np.inf
    columns["opacity"][5] = 40
    columns["x"][7] = np.nan
    columns["scale_1"][8] = np.inf
    columns["scale_1"][9] = -np.inf
    for i in range(4):
        columns[f"rot_{i}"][10] = 0
        columns[f"rot_{i}"][11] *= np.float32(1e30)
    write_splats(tmp_path / "a.ply", columns)
    file = read_splats(tmp_path / "a.ply")
    g = file.gaussians
    assert file.columns.tobytes() == columns.tobytes()
    assert not file.columns.flags.writeable
    assert torch.nonzero(~g.drawable).ravel().tolist() == [7, 8]
    assert g.opacity_logits[[3, 4, 5]].tolist() == [15, -15, 15]
    assert g.log_scales[9, 1] == -30
    assert g.quats_wxyz[10].tolist() == [1, 0, 0, 0]
    assert (g.quats_wxyz.norm(dim=1) - 1).abs().max() < 1e-6
    for field in ("means", "log_scales", "quats_wxyz", "opacity_logits", "sh"):
        assert getattr(g, field).isfinite().all()
    assert np.array_equal(np.delete(g.means.numpy()[:, 0], [7, 8]), np.delete(columns["x"], [7, 8]))
    counts = [int(note.split()[0]) for note in file.notes]
    assert counts == [2, 2, 1, 1, 1, 1]  # lost rows, infinite, beyond, thin, zero, loose: one sentence each


def test_writing_replaces_a_column_in_its_place_and_nothing_is_left_when_it_fails(tmp_path, make_columns):
    columns = make_columns(5)
    path = tmp_path / "sub" / "a.ply"
    write_splats(path, columns, {"nx": np.arange(5, dtype=np.int32)})
    before = path.read_bytes()
    assert read_splats(path).columns.dtype.names == columns.dtype.names
    assert read_splats(path).columns["nx"].tolist() == [0, 1, 2, 3, 4]
    for bad in ({"label": np.arange(5)}, {"label": np.zeros(4, np.float32)}, {"two words": np.zeros(5, np.float32)}):
        with pytest.raises(ValueError, match="column"):
            write_splats(path, columns, bad)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_may_be_written_over_the_one_its_columns_come_from(tmp_path, make_columns):
    path = tmp_path / "a.ply"
    write_splats(path, make_columns(100_000))
    file = read_splats(path)
    write_splats(path, file.columns, {"object_id": np.arange(100_000, dtype=np.int32)})
    back = read_splats(path)
    assert all(same_bits(back.columns[name], file.columns[name]) for name in file.columns.dtype.names)
    assert back.columns["object_id"][-1] == 99_999


def test_an_unwritable_place_is_the_users_error(tmp_path, make_columns):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_splats(tmp_path / "file" / "a.ply", make_columns(3))


def test_dot_splat_file(tmp_path):
    row = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])
    rows = np.zeros(3, row)
    rows["position"] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    rows["scale"], rows["rotation"] = 0.25, (128, 255, 128, 128)
    rows["rgba"] = [[255, 0, 128, 128], [0, 0, 0, 255], [0, 0, 0, 0]]
    path: Path = tmp_path / "a.splat"
    rows.tofile(path)
    file = read_splats(path)
    assert np.array_equal(file.gaussians.means.numpy(), rows["position"])
    assert torch.allclose(file.gaussians.scales, torch.tensor(0.25))
    assert file.gaussians.opacities[0].item() == pytest.approx(128 / 255, abs=1e-5)
    assert (0.5 + 0.28209479177387814 * file.gaussians.sh[0, 0, 0]).item() == pytest.approx(1)
    assert file.gaussians.quats_wxyz[0].tolist() == [0, 1, 0, 0]
    assert any(note.startswith("2 opacity logits are infinite") for note in file.notes)


REAL = [
    ("splats/avatar.ply", 20_000, 0, []),
    ("splats/guitar.ply", 90_854, 0, ["667 opacity logits are infinite"]),
    ("splats/bonsai_with_nan.ply", 71_499, 1, ["1 of 71499 rows hold NaN", "69643 quaternions are not of unit"]),
    ("desk/splats.ply", 65_580, 1, ["64752 quaternions are not of unit"]),
]


@pytest.mark.parametrize(("name", "rows", "degree", "notes"), REAL)
def test_real_files_are_read_whole_and_written_back_bit_for_bit(shared, tmp_path, name, rows, degree, notes):
    file = read_splats(shared / "scenes" / name)
    assert (len(file.gaussians), file.gaussians.sh_degree) == (rows, degree)
    assert [note.startswith(start) for note, start in zip(file.notes, notes, strict=True)] == [True] * len(notes)
    write_splats(tmp_path / "copy.ply", file.columns, comments=file.comments)
    copy = read_splats(tmp_path / "copy.ply")
    assert copy.columns.tobytes() == file.columns.tobytes()
    assert copy.comments == file.comments


def test_text_behind_other_elements_and_before_them(tmp_path, make_columns):
    columns = make_columns(6, 0)
    faces = np.empty(2, [("ids", "O")])
    faces["ids"] = [np.int32([0, 1, 2]), np.int32([3, 4])]
    path = tmp_path / "a.ply"
    elements = [PlyElement.describe(faces, "face"), PlyElement.describe(columns, "vertex"),
                PlyElement.describe(faces, "edge")]  # fmt: skip
    PlyData(elements, text=True).write(str(path))
    assert same_bits(read_splats(path).columns["opacity"].astype("f4"), columns["opacity"])
    PlyData(elements[1:]).write(str(path))
    assert same_bits(read_splats(path).columns["opacity"].astype("f4"), columns["opacity"])


def test_text_of_every_type_and_blank_lines(tmp_path, make_columns):
    columns = make_columns(5)
    path = tmp_path / "a.ply"
    write_splats(path, columns, {"object_id": np.arange(5, dtype=np.int32) - 1, "red": np.full(5, 200, np.uint8)})
    table = np.array(read_splats(path).columns)
    PlyData([PlyElement.describe(table, "vertex")], text=True).write(str(path))
    path.write_bytes(path.read_bytes().replace(b"\n-", b"\n\n-") + b"\n\n")
    back = read_splats(path).columns
    for name in table.dtype.names:
        assert same_bits(np.asarray(back[name]), np.asarray(table[name]))


def test_more_text_than_is_parsed_in_seconds(tmp_path, make_columns, monkeypatch):
    path = tmp_path / "a.ply"
    PlyData([PlyElement.describe(make_columns(10), "vertex")], text=True).write(str(path))
    monkeypatch.setattr("gsseg.io.ply_rows.MOST_TEXT_NUMBERS", 169)
    with pytest.raises(InputError, match="is text of 170 numbers, at most 169 are read; export it as a binary PLY"):
        read_splats(path)
