"""A ScanNet scan: what goes in comes out, whatever files hold it; and what is wrong with it is named by its byte."""

import io
import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.scene_folder import read_cameras
from gsseg.prepare import ScanNetOptions, prepare_scannet
from gsseg.prepare.scan_mesh import vertex_normals
from gsseg.prepare.sens import SensFile
from gsseg.sample.scannet_files import sens_frame
from tests.prepare.raw_scan import HEIGHT, WIDTH, RawScan, extract, jpeg, room, sens_header

ALL = ScanNetOptions(every=1)


def test_what_goes_in_comes_out(sound_scan: RawScan, tmp_path: Path) -> None:
    out = tmp_path / "scene"
    made = prepare_scannet(sound_scan.folder, out, ScanNetOptions(every=1, depth=True))
    assert made.counts["frames"] == 11
    assert made.counts["without pose"] == 1
    assert made.notes == ("1 of 12 frames have no finite pose and are left out.",)
    kept = [k for k in range(12) if k != 3]
    cameras, notes = read_cameras(out)
    assert notes == []
    assert [camera.name for camera in cameras] == [f"images/{k:06d}" for k in kept]
    for camera, k in zip(cameras, kept, strict=True):
        assert camera.photo is not None
        assert camera.photo.read_bytes() == sound_scan.photos[k]
        assert np.allclose(camera.camera.T_camera_world, np.linalg.inv(sound_scan.poses[k]), atol=1e-5)
        assert np.array_equal(np.asarray(Image.open(out / "depth" / f"{k:06d}.png")), sound_scan.depths[k])
        assert (camera.camera.fx, camera.camera.cx, camera.camera.cy) == (80.0, WIDTH / 2 + 0.25, HEIGHT / 2 - 0.5)
    frames = json.loads((out / "transforms.json").read_text())["frames"]
    assert frames[1]["depth_file_path"] == "depth/000001.png"
    points = read_rows(read_header(out / "points3d.ply"), "vertex")
    assert np.allclose(np.stack([points[key] for key in "xyz"], 1), sound_scan.points)
    assert points["red"][0] == 90
    assert np.array_equal(np.load(out / "gt/gaussian_semantic.npy"), sound_scan.classes)
    assert np.array_equal(np.load(out / "gt/gaussian_instance.npy"), sound_scan.instances)
    assert json.loads((out / "gt/names.json").read_text()) == {"0": "floor", "1": "office chair", "2": "table"}
    assert sorted(file.name for file in out.parent.iterdir()) == ["scene"]


def test_extracted_folders_hold_the_same_scan(sound_scan: RawScan, tmp_path: Path) -> None:
    one = prepare_scannet(sound_scan.folder, tmp_path / "one", ScanNetOptions(every=2, depth=True))
    raw = extract(sound_scan, tmp_path / "raw")
    two = prepare_scannet(raw, tmp_path / "two", ScanNetOptions(every=2, depth=True))
    assert one.counts == two.counts
    assert [file.name for file in sorted((tmp_path / "two/images").iterdir())][:2] == ["0.jpg", "10.jpg"]
    for a, b in zip(read_cameras(tmp_path / "one")[0], read_cameras(tmp_path / "two")[0], strict=True):
        assert a.photo is not None
        assert b.photo is not None
        assert a.photo.read_bytes() == b.photo.read_bytes()
        assert np.allclose(a.camera.T_camera_world, b.camera.T_camera_world, atol=1e-4)
    for name in ("points3d.ply", "gt/gaussian_instance.npy", "gt/gaussian_semantic.npy", "gt/names.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_opengaussians_layout_holds_the_same_scan(sound_scan: RawScan, tmp_path: Path) -> None:
    one = tmp_path / "one"
    prepare_scannet(sound_scan.folder, one, ALL)
    raw = tmp_path / "raw"
    shutil.copytree(one / "images", raw / "color")
    (raw / "language_features").mkdir()
    (raw / "language_features" / "000004_s.npy").write_bytes(b"as it is")
    shutil.copy(one / "points3d.ply", raw)
    shutil.copy(sound_scan.folder / "scene0000_00_vh_clean_2.labels.ply", raw)
    meta = json.loads((one / "transforms.json").read_text())
    for frame in meta["frames"]:
        frame["file_path"] = frame["file_path"].replace("images/", "color/").removesuffix(".jpg")
    for half, frames in (("train", meta["frames"][:6]), ("test", meta["frames"][6:])):
        (raw / f"transforms_{half}.json").write_text(json.dumps({**meta, "frames": frames}))
    made = prepare_scannet(raw, tmp_path / "two", ALL)
    assert made.notes == ("The scan has no *.aggregation.json: instances are not known.",)
    assert (tmp_path / "two/points3d.ply").read_bytes() == (one / "points3d.ply").read_bytes()
    assert (tmp_path / "two/language_features/000004_s.npy").read_bytes() == b"as it is"
    for a, b in zip(read_cameras(one)[0], read_cameras(tmp_path / "two")[0], strict=True):
        assert np.allclose(a.camera.T_camera_world, b.camera.T_camera_world)
        assert a.name == b.name


def test_photos_are_scaled_with_their_camera(sound_scan: RawScan, tmp_path: Path) -> None:
    prepare_scannet(sound_scan.folder, tmp_path / "scene", ScanNetOptions(every=4, downscale=2))
    camera = read_cameras(tmp_path / "scene")[0][0]
    assert camera.photo is not None
    small = np.asarray(Image.open(camera.photo)).astype(float)
    assert small.shape == (HEIGHT // 2, WIDTH // 2, 3)
    assert (camera.camera.width, camera.camera.fx) == (WIDTH // 2, 40.0)
    large = np.asarray(Image.open(io.BytesIO(sound_scan.photos[0]))).astype(float)
    means = large.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
    assert np.abs(small - means).mean() < 12  # of noise, whose standard deviation is 60


def test_frames_are_chosen_from_everywhere_the_sharpest_of_each_place(scan: RawScan, tmp_path: Path) -> None:
    """Twelve places three times each, once sharp: all places are kept, by their sharp frame."""
    parts, sharp = [], []
    order = np.random.default_rng(0).permutation(36)
    poses = np.delete(scan.poses, 3, axis=0)
    for number, k in enumerate(order):
        place, take = divmod(int(k), 3)
        if place < len(poses):
            parts.append(sens_frame(poses[place], jpeg(number, blur=1 if take == 0 else 6), b""))
            sharp += [len(parts) - 1] if take == 0 else []
    scan.sens.write_bytes(sens_header(len(parts)) + b"".join(parts))
    made = prepare_scannet(scan.folder, tmp_path / "scene", ScanNetOptions(every=1, frames=len(poses)))
    assert made.counts["frames"] == len(poses)
    assert [int(file.stem) for file in sorted((tmp_path / "scene/images").iterdir())] == sorted(sharp)
    few = prepare_scannet(scan.folder, tmp_path / "few", ScanNetOptions(every=1, frames=4))
    assert few.counts["frames"] == 4


def test_normals_are_those_of_the_faces() -> None:
    points, triangles, part = room(6)
    normals = vertex_normals(points, triangles)
    assert np.allclose(np.abs(normals[part == 0]), [0, 0, 1])
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    sums = np.zeros_like(points)
    for a, b, c in triangles:
        sums[[a, b, c]] += np.cross(points[b] - points[a], points[c] - points[a])
    assert np.allclose(normals, sums / np.linalg.norm(sums, axis=1, keepdims=True), atol=1e-6)
    assert np.array_equal(vertex_normals(points, np.empty((0, 3), np.int64)), np.zeros_like(points))


def test_later_objects_have_the_segments_that_two_claim(scan: RawScan, tmp_path: Path) -> None:
    file = scan.folder / "scene0000_00.aggregation.json"
    content = json.loads(file.read_text())
    content["segGroups"].append({"objectId": 9, "label": "all", "segments": [2000, 77777]})
    file.write_text(json.dumps(content))
    made = prepare_scannet(scan.folder, tmp_path / "scene", ALL)
    assert any("1 segments" in note for note in made.notes)
    instances = np.load(tmp_path / "scene/gt/gaussian_instance.npy")
    assert (instances == 9).sum() == ((scan.instances == 2) & (np.arange(len(instances)) % 3 == 0)).sum()


def test_a_scan_without_truth_is_a_scene(scan: RawScan, tmp_path: Path) -> None:
    for file in scan.folder.iterdir():
        if "labels" in file.name or file.suffix == ".json":
            file.unlink()
    made = prepare_scannet(scan.folder, tmp_path / "scene", ALL)
    assert not (tmp_path / "scene/gt").exists()
    assert any("no truth" in note for note in made.notes)


def _change(at: int, content: bytes):
    return lambda scan: scan.sens.write_bytes(
        scan.sens.read_bytes()[:at] + content + scan.sens.read_bytes()[at + len(content) :]
    )


def _json(name: str, change):
    def spoil(scan: RawScan) -> None:
        file = scan.folder / f"scene0000_00{name}"
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return spoil


def _ply(name: str, old: bytes, new: bytes):
    def spoil(scan: RawScan) -> None:
        file = scan.folder / f"scene0000_00{name}"
        file.write_bytes(file.read_bytes().replace(old, new, 1))

    return spoil


HEADER = len(sens_header(1))
FIRST = HEADER + 64 + 16
"""The byte at which the first frame says how long its photo is."""


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_change(0, b"\3"), r"no \.sens file of version 4"),
        (lambda s: s.sens.write_bytes(b""), "0 bytes"),
        (lambda s: s.sens.write_bytes(s.sens.read_bytes()[:100]), "ends within its header"),
        (_change(4, struct.pack("<Q", 1 << 60)), "byte 4: promises a sensor's name"),
        (_change(HEADER - 8, struct.pack("<Q", 1 << 60)), f"byte {HEADER - 8}: promises {1 << 60} frames"),
        (_change(HEADER - 8, struct.pack("<Q", 0)), "promises 0 frames"),
        (_change(HEADER - 8, struct.pack("<Q", 13)), "within frame 12 of 13|frame 12 of 13 promises"),
        (_change(FIRST, struct.pack("<Q", 1 << 62)), rf"byte {HEADER}: frame 0 of 12 promises {1 << 62}"),
        (_change(FIRST, struct.pack("<Q", 0)), rf"byte {HEADER}: frame 0 of 12 promises 0"),
        (_change(FIRST + 16, b"xxxx"), rf"the photo of frame 0 \(byte {FIRST + 16}\): is not a picture"),
        (lambda s: s.sens.write_bytes(s.sens.read_bytes()[:-300]), "frame 11 of 12 promises"),
        (lambda s: s.sens.write_bytes(sens_header(1, color=0) + b"x" * 999), "compression 0"),
        (lambda s: s.sens.write_bytes(sens_header(1, width=1 << 31) + sens_frame(np.eye(4), b"x", b"")), "pixels"),
        (lambda s: s.sens.write_bytes(sens_header(1, focal=np.nan) + sens_frame(np.eye(4), b"x", b"")), "focal"),
        (lambda s: s.sens.write_bytes(sens_header(1) + sens_frame(np.eye(4), jpeg(0, 1, (32, 24)), b"")),
         r"photo of frame 0 \(byte \d+\): is 32 x 24 pixels"),
        (lambda s: s.sens.write_bytes(sens_header(1) + sens_frame(np.eye(4) * 2, jpeg(0), b"")), "pose of frame 0"),
        (lambda s: s.sens.write_bytes(sens_header(1) + sens_frame(np.full((4, 4), -np.inf), b"x", b"")), "finite pose"),
        (lambda s: s.sens.write_bytes(sens_header(1) + sens_frame(np.eye(4), jpeg(0), b"xx")), "cannot be unpacked"),
        (lambda s: s.sens.write_bytes(sens_header(1, depth=0) + sens_frame(np.eye(4), jpeg(0), b"x")), "has 1 bytes"),
        (lambda s: s.sens.write_bytes(sens_header(1, depth=2) + sens_frame(np.eye(4), jpeg(0), b"x")), "compression 2"),
        (lambda s: s.sens.unlink(), r"holds no \.sens"),
        (lambda s: shutil.copy(s.sens, s.folder / "other.sens"), "one scan"),
        (lambda s: (s.folder / "scene0000_00_vh_clean_2.ply").unlink(), "has no mesh"),
        (lambda s: (s.folder / "scene0000_00.aggregation.json").unlink(), r"has no \*\.aggregation\.json"),
        (lambda s: (s.folder / "scene0000_00_vh_clean_2.0.010000.segs.json").unlink(), r"has no \*.*segs\.json"),
        (_ply("_vh_clean_2.ply", b"property uchar red", b"property uchar rad"), "no column red"),
        (_ply("_vh_clean_2.ply", b"element vertex", b"element vortex"), "no vertices"),
        (_ply("_vh_clean_2.ply", b"element face ", b"element face 9"), r"byte \d+: promises 9\d+ triangles"),
        (_ply("_vh_clean_2.ply", b"\3\0\0\0\0", b"\4\0\0\0\0"), r"face 0 has 4 corners"),
        (_ply("_vh_clean_2.ply", b"\3\0\0\0\0", b"\3\0\0\0\x70"), r"face 0 has the corners \[1879048192"),
        (_ply("_vh_clean_2.ply", np.float32([-2, -2, 0]).tobytes(), np.float32([np.nan, -2, 0]).tobytes()), "vertex 0"),
        (_ply("_vh_clean_2.labels.ply", b" label", b" lobel"), "no column label"),
        (_json(".aggregation.json", lambda c: c.pop("segGroups")), "no list segGroups"),
        (_json(".aggregation.json", lambda c: c["segGroups"][1].update(objectId=-1)), "objectId is -1"),
        (_json(".aggregation.json", lambda c: c["segGroups"][1].update(segments=["a"])), r"segGroups\[1\] has no list"),
        (_json(".aggregation.json", lambda c: c["segGroups"][1].pop("label")), r"segGroups\[1\] has no label"),
        (_json("_vh_clean_2.0.010000.segs.json", lambda c: c["segIndices"].pop()), "segments of 1215 vertices"),
        (_json("_vh_clean_2.0.010000.segs.json", lambda c: c.update(segIndices=[1.5])), "no list segIndices"),
        (_json("_vh_clean_2.0.010000.segs.json", lambda c: c.update(segIndices=[])), "no list segIndices"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_written(scan: RawScan, tmp_path: Path, spoil, words: str) -> None:
    before = sorted(tmp_path.iterdir())
    spoil(scan)
    with pytest.raises(InputError, match=words):
        prepare_scannet(scan.folder, tmp_path / "scene", ScanNetOptions(every=1, depth=True))
    assert sorted(tmp_path.iterdir()) == before


def test_labels_of_another_mesh(scan: RawScan, tmp_path: Path) -> None:
    labels = scan.folder / "scene0000_00_vh_clean_2.labels.ply"
    content = labels.read_bytes().replace(b"element vertex 1216", b"element vertex 1215")
    labels.write_bytes(content)
    with pytest.raises(InputError, match="holds 1215 vertices, the mesh 1216"):
        prepare_scannet(scan.folder, tmp_path / "scene", ALL)


def test_a_bomb_of_zeros_is_not_unpacked(scan: RawScan, tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    scan.sens.write_bytes(sens_header(1) + sens_frame(np.eye(4), jpeg(0), bomb))
    with pytest.raises(InputError, match=r"depth of frame 0 .* has more bytes"):
        prepare_scannet(scan.folder, tmp_path / "scene", ScanNetOptions(every=1, depth=True))


def test_nothing_is_overwritten(scan: RawScan, tmp_path: Path) -> None:
    out = tmp_path / "scene"
    out.mkdir()
    (out / "mine").write_text("")
    with pytest.raises(InputError, match="not an empty folder"):
        prepare_scannet(scan.folder, out, ALL)
    with pytest.raises(InputError, match="lies in the raw scene"):
        prepare_scannet(scan.folder, scan.folder / "scene", ALL)
    with pytest.raises(InputError, match="is a file"):
        prepare_scannet(scan.sens, tmp_path / "other", ALL)
    assert sorted(file.name for file in out.iterdir()) == ["mine"]


def test_only_the_frames_headers_are_read(sound_scan: RawScan) -> None:
    sens = SensFile.open(sound_scan.sens)
    assert len(sens.names) == 12
    assert [sens.photo(k).read() for k in range(12)] == sound_scan.photos
    depth = sens.depth_png(2)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(depth))), sound_scan.depths[2])
