"""The table of splat formats: who reads a file, and what is said where nobody does."""

import gzip
import os
import socket

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.io.scene_folder import find_splats, load_scene
from gsseg.io.splat_format import SplatColumns, SplatFormat, inria_dtype
from gsseg.io.splat_formats import SPLAT_FORMATS, read_splats

HEADS = [
    b"ply\nformat ascii 1.0\nelement vertex 1\nend_header\n",
    b"ply\r\nformat ascii 1.0\r\nend_header\r\n",
    b"ply\nelement vertex 1\nproperty uint packed_position\nproperty uint packed_rotation\nproperty uint packed_scale\n"
    b"property uint packed_color\nend_header\n",
    b"NGSP\4\0\0\0",
    gzip.compress(b"NGSP"),
    b"PK\3\4" + bytes(22) + b"\x0c\0\0\0means_l.webp",
    b"PK\3\4" + bytes(22) + b"\x10\0\0\0archive/data.pkl",
]


@pytest.mark.parametrize("head", HEADS)
def test_at_most_one_format_knows_a_beginning(head):
    assert len([format.name for format in SPLAT_FORMATS if format.begins(head)]) == 1


@pytest.mark.parametrize("head", [b"", b"PK\3\4", b"PK\3\4" + bytes(30), b"hello", bytes(100), b"plywood"])
def test_and_none_knows_others(head):
    assert not any(format.begins(head) for format in SPLAT_FORMATS)


def test_rows_of_the_table_are_told_apart():
    names = [format.name for format in SPLAT_FORMATS]
    endings = [ending for format in SPLAT_FORMATS for ending in format.endings]
    assert len(set(names)) == len(names)
    assert len(set(endings)) == len(endings)
    assert all(ending == ending.lower() for ending in endings)


class Constant:
    """A format of one line of text, to show what adding one takes."""

    name, endings = "constant", (".const",)

    def begins(self, head: bytes) -> bool:
        return head.startswith(b"CONST")

    def read(self, path) -> SplatColumns:
        columns = np.zeros(int(path.read_text().split()[1]), inria_dtype(9))
        columns["rot_0"] = 1
        return SplatColumns(columns, ["constant"], ("a comment",))


def test_a_format_is_a_class_and_a_row(tmp_path, monkeypatch, small_scene):
    format = Constant()
    assert isinstance(format, SplatFormat)
    for module in ("splat_formats", "scene_folder"):
        monkeypatch.setattr(f"gsseg.io.{module}.SPLAT_FORMATS", (*SPLAT_FORMATS, format))
    path = tmp_path / "anything"
    path.write_text("CONST 7")
    file = read_splats(path)
    assert (len(file.gaussians), file.gaussians.sh_degree) == (7, 1)
    assert (file.notes, file.comments) == (["constant"], ("a comment",))
    (small_scene / "splats.ply").unlink()
    (small_scene / "splats.const").write_text("CONST 7")
    assert len(load_scene(small_scene).gaussians) == 7


def test_a_scene_is_searched_for_every_ending_and_ply_comes_first(small_scene):
    for format in SPLAT_FORMATS:
        for ending in format.endings:
            if ending.startswith("."):
                (small_scene / f"splats{ending}").write_bytes(b"")
    assert find_splats(small_scene).name == "splats.ply"
    (small_scene / "splats.ply").unlink()
    assert find_splats(small_scene).name != "splats.ply"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.ksplat", r"\.ksplat file of GaussianSplats3D.*npx @playcanvas/splat-transform a\.ksplat splats\.ply"),
        ("a.LCC", "LCC scene of XGRIDS.*npx @playcanvas/splat-transform"),
        ("a.glb", "is glTF"),
        ("a.obj", "is a mesh and holds no Gaussian splats"),
        ("a.laz", "is a point cloud and holds no Gaussian splats"),
        ("a.e57", "is a point cloud"),
        ("a.npz", "is a numpy file"),
        ("a.ckpt", "ns-export gaussian-splat"),
        ("a.html", "is a page that shows splats"),
        ("a.blend", r"no format of splats that is known \(PLY, compressed PLY, SPZ, SOG, \.splat, gsplat checkpoint\)"),
        ("splats", "no format of splats that is known"),
        ("a.ply", "is not a PLY file"),
        ("a.spz", "is not an SPZ file"),
        ("a.sog", "not a zip that can be read"),
        ("a.pt", "not a file of tensors"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, name, says):
    (tmp_path / name).write_bytes(b"hello")
    with pytest.raises(InputError, match=says) as caught:
        read_splats(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)
    assert caught.value.remedy


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_refused_and_not_waited_for(small_scene, monkeypatch):
    for name in ("splats.ply", "masks/view_0.png", "images/view_0.png", "transforms.json"):
        path = small_scene / name
        content = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        if name.startswith("masks"):
            load_scene(small_scene)  # what is no file is not among the masks
        else:
            with pytest.raises(InputError, match="is a pipe, a socket or a device"):
                load_scene(small_scene)
        path.unlink()
        path.write_bytes(content)
    with pytest.raises(InputError, match="is a pipe, a socket or a device"):
        read_splats("/dev/zero")
    with pytest.raises(InputError, match="does not exist"):
        read_splats("a\0b.ply")
    monkeypatch.chdir(small_scene)  # because the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.ply")
        with pytest.raises(InputError, match="is a pipe, a socket or a device"):
            read_splats("socket.ply")


def test_the_columns_of_every_reader_are_read_only(tmp_path, make_columns):
    write_splats(tmp_path / "a.ply", make_columns(5))
    assert not read_splats(tmp_path / "a.ply").columns.flags.writeable
