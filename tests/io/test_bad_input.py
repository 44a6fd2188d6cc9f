"""Bad input: exactly one InputError of one line that names the file at fault; nothing is written or changed.

Each case takes a good scene folder, damages it, and says which file the message must name and what it must say.
"""

import re

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.compressed_ply import PACKED
from gsseg.io.photos import read_photo
from gsseg.io.scene_folder import load_scene, load_views
from gsseg.io.splat_file import REQUIRED
from tests.io.damage import (
    PINHOLE,
    absurd_count,
    all_rows,
    camera_of_another_shape,
    colmap,
    empty_folder,
    file,
    half_a_model,
    huge_images,
    langsplat,
    not_a_folder,
    picture,
    removed,
    retyped,
    saga,
    set_all,
    set_first,
    set_meta,
    splats,
    too_many_colours,
    transforms,
    without,
)

IMAGE = "1 1 0 0 0 0 0 3 1 view_0.png\n\n"
NAN_POSE = np.full((4, 4), np.nan).tolist()
SCALED = np.diag([2.0, 2.0, 2.0, 1.0]).tolist()
MIRRORED = np.diag([1.0, 1.0, -1.0, 1.0]).tolist()
LISTS = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty list uchar int ids\nend_header\n1 2 3 4\n"
TEXT = b"ply\nformat ascii 1.0\nelement vertex 3\n"
TEXT += b"".join(b"property float %s\n" % name.encode() for name in REQUIRED) + b"end_header\n"
COMPRESSED = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\n"
COMPRESSED += b"".join(b"property uint %s\n" % name.encode() for name in PACKED) + b"end_header\n" + bytes(16)
TWICE = TEXT.replace(b"end_header", b"element vertex 3\nproperty float x\nend_header")
MANY = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\n"
MANY += b"".join(b"property float c%d\n" % i for i in range(40_000)) + b"end_header\n"
FACES_FIRST = b"ply\nformat binary_little_endian 1.0\nelement face 99999999999\nproperty list uchar int ids\n"
FACES_FIRST += TEXT[TEXT.index(b"element") :] + bytes(400)
COMPRESSED_TWICE = COMPRESSED.replace(b"end_header", b"property uint packed_color\nend_header") + bytes(4)
BOUNDS = [f"{end}_{axis}" for end in ("min", "max") for axis in ("x", "y", "z", "scale_x", "scale_y", "scale_z")]
COMPRESSED_SH = b"ply\nformat binary_little_endian 1.0\nelement chunk 1\n"
COMPRESSED_SH += b"".join(b"property float %s\n" % name.encode() for name in BOUNDS) + b"element vertex 1\n"
COMPRESSED_SH += b"".join(b"property uint %s\n" % name.encode() for name in PACKED) + b"element sh 1\n"
COMPRESSED_SH += b"".join(b"property uchar %s\n" % n for n in (b"x", b"opacity", *(b"f_rest_%d" % i for i in range(7))))
COMPRESSED_SH += b"end_header\n" + bytes(48 + 16 + 9)
ROW = b" ".join([b"1"] * 14) + b"\n"

CASES = {
    "no such folder": (removed("."), "does not exist"),
    "a file as folder": (not_a_folder, "is a file, not a scene folder"),
    "empty folder": (empty_folder, "is an empty folder"),
    "no cameras": (removed("transforms.json"), "has no cameras"),
    "no splats": (removed("splats.ply"), "has no splats"),
    "no masks": (removed("masks"), "has no masks"),
    # splats
    "empty ply": (splats(b""), r"is empty \(0 bytes\)"),
    "not a ply": (splats(lambda blob: b"\xff\xd8\xff" + blob), "is not a PLY file"),
    "endless header": (splats(b"ply\n" + b"comment x\n" * 9), "no end_header"),
    "binary after ply": (splats(b"ply\n" + bytes(3000)), "no end_header"),
    "odd header line": (splats(lambda blob: blob.replace(b"property float x", b"property string x")), "means nothing"),
    "no format": (splats(lambda blob: blob.replace(b"format binary_little_endian 1.0\n", b"")), "no format line"),
    "column twice": (splats(lambda blob: blob.replace(b"float y", b"float x")), "two columns named x"),
    "superscript count": (splats(lambda blob: blob.replace(b"vertex 40", "vertex 4²".encode())), "means nothing"),
    "count of other digits": (splats(lambda blob: blob.replace(b"vertex 40", "vertex ٤٠".encode())), "means nothing"),
    "endless count": (splats(lambda blob: blob.replace(b"vertex 40", b"vertex " + b"9" * 9000)), "means nothing"),
    "negative count": (splats(lambda blob: blob.replace(b"vertex 40", b"vertex -40")), "means nothing"),
    "element twice": (splats(TWICE), "has two elements named vertex"),
    "many columns": (splats(MANY), "columns y, z, f_dc_0"),
    "no vertex": (splats(lambda blob: blob.replace(b"element vertex", b"element points")), "no element 'vertex'"),
    "truncated": (splats(lambda blob: blob[:-5]), "truncated: its header promises 40 rows of vertex, only 39"),
    "header only": (splats(lambda blob: blob[: blob.index(b"end_header") + 11]), "only 0 are there"),
    "absurd count": (splats(absurd_count), "is truncated"),
    "zero rows": (splats(lambda blob: blob.replace(b"vertex 40", b"vertex 0")), "holds 0 Gaussians"),
    "a list": (splats(LISTS), r"hold a list \(ids\)"),
    "text truncated": (splats(TEXT + ROW), "(?i)body cannot be read|truncated"),
    "text with words": (splats(TEXT + ROW + ROW.replace(b"1", b"one") + ROW), "body cannot be read"),
    "text of absurd count": (splats(TEXT.replace(b"vertex 3", b"vertex 99999999999")), "truncated"),
    "no opacity": (without("opacity", "rot_3"), "columns opacity, rot_3 are missing"),
    "a point cloud": (
        without(*(f"{n}_{i}" for n in ("f_dc", "rot", "scale") for i in range(4))),
        "holds points but no",
    ),
    "integer opacity": (retyped("opacity", np.int32), "opacity is of type int32, expected float"),
    "odd f_rest": (
        splats(lambda blob: blob.replace(b"float nx", b"float f_rest_0")),
        "has 1 f_rest columns, which is no degree",
    ),
    "all NaN": (all_rows(np.nan), "none of its 40 rows can be drawn"),
    "lists before": (splats(FACES_FIRST), "its element face, whose rows hold lists, stands before vertex"),
    "text without a body": (splats(TEXT + b"\n" * 200), "promises 3 rows of vertex, only 0 are there"),
    "text with a column more": (splats(TEXT + ROW.replace(b"\n", b" 1\n") * 3), "body cannot be read"),
    "text behind missing rows": (
        splats(TEXT.replace(b"element", b"element face 99999999\nelement") + ROW * 3),
        "trunc",
    ),
    "packed columns elsewhere": (splats(COMPRESSED.replace(b"vertex", b"point")), "not those of element vertex"),
    "compressed, a column twice": (splats(COMPRESSED_TWICE), "has two columns named packed_color"),
    "compressed, odd harmonics": (splats(COMPRESSED_SH), "element sh does not fit element vertex"),
    "compressed without chunks": (
        splats(COMPRESSED),
        "compressed PLY of an unknown layout",
    ),
    # transforms.json
    "empty json": (transforms(None, ""), r"is empty \(0 bytes\)"),
    "truncated json": (transforms(None, '{"frames": [{"file_path": "a"'), "is not valid JSON"),
    "json of another kind": (transforms(None, "[1, 2]"), "no object"),
    "no frames": (set_meta("frames", []), "no list 'frames'"),
    "no file_path": (set_first("file_path", None), "frame 0: has no 'file_path'"),
    "no matrix": (set_first("transform_matrix", None), "frame images/view_0.png: 'transform_matrix' is no matrix"),
    "words in matrix": (set_first("transform_matrix", [["a"] * 4] * 4), "'transform_matrix' is 'a'"),
    "scaled pose": (set_first("transform_matrix", SCALED), "view_0.png: the pose is not rigid"),
    "mirrored pose": (set_first("transform_matrix", MIRRORED), "det R is -1"),
    "last row": (set_first("transform_matrix", np.ones((4, 4)).tolist()), r"last row of 'transform_matrix' is \[1"),
    "all poses NaN": (set_all("transform_matrix", NAN_POSE), "none of its 4 frames has a finite pose"),
    "zero focal length": (set_first("fl_x", 0), "view_0.png: 'fl_x' is 0, must be a finite number"),
    "NaN focal length": (set_meta("fl_x", float("nan")), "'fl_x' is nan, must be a finite number"),
    "no focal length": (transforms(lambda meta: meta.pop("fl_x")), "neither 'fl_x' nor 'camera_angle_x'"),
    "text as number": (set_meta("fl_x", "30"), "'fl_x' is '30', must be a finite number"),
    "negative size": (set_meta("w", -32), "'w' is -32, must be"),
    "unknown lens": (set_meta("camera_model", "EQUIRECTANGULAR"), "'EQUIRECTANGULAR' is not supported"),
    "camera of another shape": (camera_of_another_shape, "is 32 x 24 pixels, its camera is 64 x 24: another shape"),
    # COLMAP
    "no images table": (
        colmap(PINHOLE, "# nothing\n", "images.txt"),
        "holds no images",
    ),
    "unknown model": (colmap("1 LENS 32 24 1 1 1\n", IMAGE, "cameras.txt"), "camera 1: .*'LENS' is not one of COLMAP"),
    "missing parameters": (colmap("1 PINHOLE 32 24 30\n", IMAGE, "cameras.txt"), "takes 'fx, fy, cx, cy', 1 numbers"),
    "a panorama": (colmap("1 EQUIRECTANGULAR 32 24 32 24\n", IMAGE, "cameras.txt"), "is a panorama"),
    "missing camera": (colmap(PINHOLE.replace("1", "2", 1), IMAGE, "images.txt"), "camera 1 is not in cameras.txt"),
    "odd line": (colmap(PINHOLE, "1 1 0 0\n\n", "images.txt"), "line 1 is not 'IMAGE_ID"),
    "zero COLMAP focal length": (
        colmap("1 PINHOLE 32 24 0 30 16 12\n", IMAGE, "cameras.txt"),
        "camera 1: the focal length fx is 0",
    ),
    "no COLMAP pose": (
        colmap(PINHOLE, IMAGE.replace("1 1 0 0 0", "1 nan 0 0 0"), "images.txt"),
        "none of its 1 images",
    ),
    "empty cameras.bin": (file("sparse/0/cameras.bin", b"", "transforms.json"), "is empty"),
    "half a COLMAP model": (half_a_model, "has neither images.bin nor images.txt"),
    "huge images.bin": (huge_images, "is truncated or damaged: a row at byte 8 reaches past its end"),
    # masks and photos
    "empty mask": (file("masks/view_0.png", b""), "is empty"),
    "broken mask": (file("masks/view_0.png", b"\x89PNG\r\n\x1a\n" + bytes(50)), "not a picture|damaged"),
    "mask of another shape": (picture("masks/view_0.png", "L", (24, 32)), "is 24 x 32 pixels, its camera is 32 x 24"),
    "a photo as mask": (too_many_colours, "holds 76800 different labels, at most 65535"),
    "npy that is none": (
        file("language_features/view_0_s.npy", b"hello", "masks"),
        "is no array of numbers",
    ),
    "npy of objects": (langsplat(np.array([{"a": 1}], dtype=object)), "is no array of numbers"),
    "npy of two axes": (langsplat(np.zeros((24, 32), np.float32)), r"not LangSplat's array .*float32 \(24, 32\)"),
    "npy of fractions": (langsplat(np.full((4, 24, 32), 0.5, np.float32)), "holds fractions or absurd values"),
    "pt of a list": (saga([1, 2]), "is no tensor but list"),
    "pt that is none": (
        file("sam_masks/view_0.pt", b"hello", "masks"),
        "not a file of tensors that torch can load safely",
    ),
    "empty photo": (file("images/view_1.png", b""), "is empty"),
    "broken photo": (file("images/view_1.png", b"hello"), "not a picture"),
}


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_refused(scene, at_fault, says):
    before = snapshot(scene.parent)
    with pytest.raises(InputError, match=says) as caught:
        load_scene(scene, need_masks=True)
    assert caught.value.path == str(at_fault)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(caught.value.path + ": ")
    assert caught.value.remedy
    assert snapshot(scene.parent) == before


@pytest.mark.parametrize("name", CASES)
def test_one_line_names_the_file_and_nothing_changes(small_scene, name):
    damage, says = CASES[name]
    check_refused(small_scene, damage(small_scene), says)


def test_useless_masks_are_named(small_scene, useless_masks):
    at_fault, says = useless_masks
    check_refused(small_scene, at_fault, re.escape(says))


def test_useless_masks_do_no_harm_where_they_are_not_read(small_scene, useless_masks):
    (useless_masks[0] / "view_0.png").write_bytes(b"no picture")
    views, notes = load_views(small_scene, small_scene / "splats.ply", read_masks=False)
    assert [view.name for view in views] == ["view_0", "view_1", "view_2", "view_3"]
    assert not any(view.labels is not None for view in views)
    assert notes == []
    with pytest.raises(ValueError, match="needed have to be read"):
        load_views(small_scene, small_scene / "splats.ply", need_masks=True, read_masks=False)


def test_a_truncated_photo_is_noticed_when_it_is_read(small_scene):
    path = small_scene / "images" / "view_1.png"
    path.write_bytes(path.read_bytes()[:-400])
    view = load_scene(small_scene).view("view_1")
    with pytest.raises(InputError, match="is a damaged picture"):
        read_photo(view)


def test_a_truncated_mask_is_noticed(small_scene):
    rng = np.random.default_rng(0)
    path = small_scene / "masks" / "view_1.png"
    Image.fromarray(rng.integers(0, 255, (24, 32), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match="is a damaged picture") as caught:
        load_scene(small_scene)
    assert caught.value.path == str(path)


def test_masks_and_splats_elsewhere_that_are_not_there(small_scene, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="is not a folder of masks"):
        load_scene(small_scene, masks=tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no masks"):
        load_scene(small_scene, masks=empty)
    with pytest.raises(InputError, match="does not exist"):
        load_scene(small_scene, splats=tmp_path / "nothing.ply")
    with pytest.raises(InputError, match="is a folder"):
        load_scene(small_scene, splats=small_scene)


@pytest.mark.parametrize("name", ["splats.ply", "masks/view_0.png", "transforms.json"])
def test_random_damage_is_either_read_or_named(small_scene, name):
    rng = np.random.default_rng(7)
    path = small_scene / name
    whole = path.read_bytes()
    refused = []
    for _ in range(60):
        blob = bytearray(whole)
        for at in rng.integers(0, min(len(blob), 600), 3):
            blob[at : at + int(rng.integers(0, 4))] = rng.bytes(int(rng.integers(0, 4)))
        path.write_bytes(blob)
        try:
            load_scene(small_scene)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 5
    assert not any("\n" in line for line in refused)
