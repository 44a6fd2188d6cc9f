"""Masks of other tools: each format written by a plain writer of its own, read back, and refused where it lies."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.run_lengths import runs_from_text
from gsseg.masks.foreign.formats import read_foreign
from gsseg.masks.foreign.label_studio import unpack_brush
from gsseg.masks.foreign.stack import label_map

WIDTH, HEIGHT = 30, 20


@pytest.fixture
def masks():
    """Three rectangles, the last inside the first."""
    out = np.zeros((3, HEIGHT, WIDTH), bool)
    out[0, 2:18, 1:15] = True
    out[1, 5:12, 18:28] = True
    out[2, 6:9, 4:8] = True
    return out


@pytest.fixture
def expected(masks):
    """Their label map: 1 the largest; smaller ones on top."""
    out = np.zeros((HEIGHT, WIDTH), np.uint16)
    out[masks[0]], out[masks[1]], out[masks[2]] = 1, 2, 3
    return out


def run_lengths(flat):
    """Lengths of runs, of zeros first."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [not flat[-1]]]).astype(int)))
    return np.diff(np.concatenate([[0], edges])).tolist() if len(edges) else [len(flat)]


def as_text(counts):
    """COCO's letters, written from the format's description."""
    text = ""
    for row, count in enumerate(counts):
        value = count - counts[row - 2] if row > 2 else count
        while True:
            digit, value = value & 31, value >> 5
            more = not (value == 0 and not digit & 16) and not (value == -1 and digit & 16)
            text += chr(48 + (digit | (32 if more else 0)))
            if not more:
                break
    return text


def corners(mask):
    """Rectangle of a mask, outer edges."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def coco(masks, kind):
    segmentations = []
    for mask in masks:
        if kind == "polygon":
            left, top, right, bottom = corners(mask)
            ring = [left, top, right - 1, top, right - 1, bottom - 1, left, bottom - 1]
            segmentations.append([[float(n) for n in ring]])
        else:
            counts = run_lengths(mask.T.ravel())
            segmentations.append({"size": [HEIGHT, WIDTH], "counts": as_text(counts) if kind == "text" else counts})
    return {
        "images": [{"id": 7, "file_name": "photos/a.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"image_id": 7, "segmentation": each} for each in segmentations],
    }


def read_one(path):
    (photo,) = read_foreign(path)
    return photo.name, label_map(path, photo)


@pytest.mark.parametrize("kind", ["polygon", "counts", "text"])
def test_coco(tmp_path, masks, expected, kind):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(coco(masks, kind)))
    name, labels = read_one(path)
    assert name == "photos/a.jpg"
    np.testing.assert_array_equal(labels, expected)


def test_text_of_run_lengths_is_the_inverse_of_writing():
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts = rng.integers(0, 10 ** int(rng.integers(1, 7)), rng.integers(1, 30)).tolist()
        assert runs_from_text(as_text(counts)) == counts
    for bad in ("P", "\x10", "€"):
        with pytest.raises(ValueError, match=r"digit|middle"):
            runs_from_text(bad)


@pytest.mark.parametrize("form", ["pictures", "list"])
def test_amg(tmp_path, masks, expected, form):
    if form == "pictures":
        folder = tmp_path / "amg" / "a"
        folder.mkdir(parents=True)
        with (folder / "metadata.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["id", "area"], *[[row, int(mask.sum())] for row, mask in enumerate(masks)]])
        for row, mask in enumerate(masks):
            Image.fromarray((mask * 255).astype(np.uint8)).save(folder / f"{row}.png")
    else:
        (tmp_path / "amg").mkdir()
        content = [{"segmentation": each["segmentation"]} for each in coco(masks, "text")["annotations"]]
        (tmp_path / "amg" / "a.json").write_text(json.dumps(content))
    name, labels = read_one(tmp_path / "amg")
    assert name == "a"
    np.testing.assert_array_equal(labels, expected)


def pack_brush(values):
    """Label Studio's stream of bits: runs where a value repeats, single values elsewhere."""
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{n:04b}" for n in (2, 3, 7, 15))
    at = 0
    while at < len(values):
        end = at
        while end < len(values) and values[end] == values[at] and end - at < 60000:
            end += 1
        if end - at > 1:
            bits += f"1{3:02b}{end - at - 1:016b}{values[at]:08b}"
        else:
            bits += f"0{0:02b}{0:03b}{values[at]:08b}"
        at = end
    return np.packbits([int(bit) for bit in bits + "0" * (-len(bits) % 8)])


def test_brushes_are_unpacked():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.integers(0, 256, 300), rng.integers(1, 50, 300)).astype(np.uint8)
    packed = pack_brush(values.tolist())
    np.testing.assert_array_equal(unpack_brush(packed, len(values)), values)
    with pytest.raises(ValueError, match="too early"):
        unpack_brush(packed[:-20], len(values))
    with pytest.raises(ValueError, match="not 5 bytes"):
        unpack_brush(packed, 5)


@pytest.mark.parametrize("kind", ["polygonlabels", "rectanglelabels", "brushlabels"])
def test_label_studio(tmp_path, masks, expected, kind):
    results = []
    for mask in masks:
        left, top, right, bottom = corners(mask)
        if kind == "polygonlabels":
            ring = [[left, top], [right - 1, top], [right - 1, bottom - 1], [left, bottom - 1]]
            value = {"points": [[100 * float(x) / WIDTH, 100 * float(y) / HEIGHT] for x, y in ring]}
        elif kind == "rectanglelabels":
            value = {"x": 100 * float(left) / WIDTH, "width": 100 * float(right - left) / WIDTH}
            value |= {"y": 100 * float(top) / HEIGHT, "height": 100 * float(bottom - top) / HEIGHT}
        else:
            rgba = np.repeat(mask[..., None] * 255, 4, 2).ravel()
            value = {"format": "rle", "rle": pack_brush(rgba.tolist()).tolist()}
        results.append({"type": kind, "original_width": WIDTH, "original_height": HEIGHT, "value": value})
    result = [{"type": "choices"}, *results]
    task = {"data": {"image": "/data/upload/3/1f2e3d4c-a.jpg"}, "annotations": [{"result": result}]}
    path = tmp_path / "project.json"
    path.write_text(json.dumps([task]))
    name, labels = read_one(path)
    assert name == "a.jpg"
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("kind", ["polygon", "box", "mask"])
def test_cvat(tmp_path, masks, expected, kind):
    shapes = ""
    for mask in masks:
        left, top, right, bottom = corners(mask)
        if kind == "polygon":
            points = f"{left},{top};{right - 1},{top};{right - 1},{bottom - 1};{left},{bottom - 1}"
            shapes += f'<polygon label="x" points="{points}"/>'
        elif kind == "box":
            shapes += f'<box xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"/>'
        else:
            counts = ", ".join(map(str, run_lengths(mask[top:bottom, left:right].ravel())))
            place = f'left="{left}" top="{top}" width="{right - left}" height="{bottom - top}"'
            shapes += f'<mask rle="{counts}" {place}/>'
    path = tmp_path / "annotations.xml"
    image = f'<image id="0" name="a.jpg" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>'
    path.write_text(f"<annotations><version>1.1</version>{image}<image name='b' width='3' height='3'/></annotations>")
    name, labels = read_one(path)
    assert name == "a.jpg"
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("form", ["masks", "labels"])
def test_arrays(tmp_path, masks, expected, form):
    (tmp_path / "npz").mkdir()
    np.savez_compressed(tmp_path / "npz" / "a.npz", info=np.zeros(3), found=masks if form == "masks" else expected)
    name, labels = read_one(tmp_path / "npz")
    assert name == "a"
    np.testing.assert_array_equal(labels, expected)


LIES = {
    "annotations.xml": [
        b"no xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotations/>", b"<annotations/>",
        b"<a><image name='x' width='3' height='-3'><box/></image></a>",
        b"<a><image name='x' width='9' height='9'>"
        b"<mask rle='5, 99999999999' left='0' top='0' width='3' height='3'/></image></a>",
        b"<a><image name='x' width='9' height='9'><polygon points='1,nan;2,3;4,5'/></image></a>",
    ],
    "coco.json": [
        b"{}", b'{"images": [], "annotations": [3]}', b'{"images": [{"id": 1}], "annotations": []}',
        b'{"images": [{"id": 1, "file_name": "a", "width": 9, "height": 1e9}], "annotations": [{"image_id": 1}]}',
        b'{"images": [{"id": 1, "file_name": "a", "width": 9, "height": 9}], "annotations": [{"image_id": 1, '
        b'"segmentation": {"size": [9, 9], "counts": [81000000000]}}]}',
        b'{"images": [{"id": 1, "file_name": "a", "width": 9, "height": 9}], "annotations": [{"image_id": 1, '
        b'"segmentation": [[1, 2, true, "x"]]}]}',
    ],
    "studio.json": [
        b"[1]", b"[]", b'[{"data": {}}]',
        b'[{"data": {"image": "a"}, "annotations": [{"result": [{"type": "brushlabels", '
        b'"original_width": 9, "original_height": 9, "value": {"format": "rle", "rle": [0, 300]}}]}]}]',
    ],
    "masks.txt": [b"x"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "content"), [(name, each) for name, all_ in LIES.items() for each in all_])
def test_lies_are_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        [label_map(path, photo) for photo in read_foreign(path)]


@pytest.mark.parametrize("spoil", ["truncated", "empty", "text", "fractions"])
def test_bad_archives_are_refused(tmp_path, spoil):
    path = tmp_path / "npz" / "a.npz"
    path.parent.mkdir()
    arrays = {"empty": np.zeros(3), "text": np.array(["a", "b"]), "fractions": np.full((4, 4), 0.5)}
    np.savez(path, x=arrays.get(spoil, np.ones((2, 4, 4))))
    if spoil == "truncated":
        path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match=r"a\.npz"):
        read_foreign(path.parent)
