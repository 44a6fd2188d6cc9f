"""The page that is kept: what is in it, and that it shows from a disk what the viewer shows."""

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import viser
import zstandard
from gsseg_viewer import page as module
from gsseg_viewer.colors import alphas, colors
from gsseg_viewer.document import Document
from gsseg_viewer.edits import delete, hide, rename
from gsseg_viewer.page import DARK, client_code, kept_page, served_page
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer.webpage import Eye, listed, page_bytes, page_size
from PIL import Image

EYE = Eye((0.0, -5.0, 0.8), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1.0)
CLIENT = Path(viser.__file__).parent / "client" / "build" / "index.html"


def page_of(document: Document, eye: Eye = EYE) -> bytes:
    state = document.state
    painted = colors(document, state, "photo", PieceSelection())
    return page_bytes(
        SplatNodes.of(document), painted, alphas(document, state), eye, "a <room>", listed(document, state)
    )


def recording(page: bytes) -> tuple[list[Any], list[bytes]]:
    """Messages and buffers of a web page, as viser's client reads them."""
    (encoded,) = re.findall(rb'__VISER_EMBED_DATA__="([^"]*)"', page)
    packed = base64.b64decode(encoded)
    data = zstandard.ZstdDecompressor().decompressobj().decompress(packed[8:])
    assert len(data) == int.from_bytes(packed[:8], "little")
    length = int.from_bytes(data[:8], "little")
    content = msgspec.msgpack.decode(data[8 : 8 + length])
    at, buffers = 8 + length, []
    for size in content["binaryBufferLengths"]:
        at += -at % 8
        buffers.append(data[at : at + size])
        at += size
    return [message for _, message in content["messages"]], buffers


def test_a_page_holds_what_is_shown_and_nothing_else(balls: Any):
    document = balls.document()
    document.apply("hid", lambda state: hide(state, state.pieces_of([0])))
    page = page_of(document)
    messages, buffers = recording(page)
    kinds = [message["type"] for message in messages]
    assert kinds.count("GaussianSplatsMessage") == 4  # three objects, and what belongs to none
    assert set(kinds) - {"GaussianSplatsMessage"} == {
        "SetCameraUpDirectionMessage", "SetCameraPositionMessage", "SetCameraLookAtMessage", "SetCameraFovMessage",
    }  # fmt: skip
    splats = np.concatenate([np.frombuffer(each, np.uint8).reshape(-1, 32) for each in buffers])
    assert len(splats) == 3 * 700 + 50
    assert (splats[:, 31] > 0).all()
    assert "blue" not in json.dumps(messages)
    assert b"blue" not in page
    assert abs(len(page) - page_size(len(splats))) < 0.15 * len(page)


def test_names_and_title_are_letters_and_never_code(balls: Any):
    document = balls.document()
    document.apply("renamed", lambda state: rename(state, 1, "</script><script>alert(1)</script>"))
    page = page_of(document)
    assert b"alert(1)" in page
    assert b"<script>alert(1)" not in page
    assert b"<title>a &lt;room&gt;</title>" in page
    assert b"<title>Viser</title>" not in page


def test_objects_are_listed_largest_first_at_their_middle(balls: Any):
    document = balls.document()
    found = listed(document, delete(document.state, document.state.pieces_of([2])))
    assert [each.name for each in found] == ["blue <b>ball</b>", "red ball", "yellow ball"]
    for each, ball in zip(found, (0, 1, 3), strict=True):
        np.testing.assert_allclose(each.at, balls.centres[ball], atol=0.05)
        assert each.color == document.state.objects[ball].color


def test_a_client_that_starts_its_workers_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch):
    """A page that would draw in the wrong order is not written at all."""
    page = CLIENT.read_bytes()
    code = client_code(page)
    assert "GaussianSplatsMessage" in code
    kept_page(page, "room", [], dark=True)
    monkeypatch.setattr(module, "client_code", lambda _: code.replace("catch{return new Worker(", "catch{throw("))
    with pytest.raises(ValueError, match="wrong order"):
        kept_page(page, "room", [], dark=True)


def test_only_a_page_of_viser_is_mended():
    page = CLIENT.read_bytes()
    assert served_page(page, "room", "key").count(b"precision highp float") == 1
    for wrong in (b"not found", page.replace(b"<title>Viser</title>", b""), page.replace(b"<body>", b"<main>")):
        with pytest.raises(ValueError, match="no page of viser"):
            served_page(wrong, "room", "key")
    with pytest.raises(ValueError, match="no page of viser"):
        client_code(b"<html></html>")
    damaged = page.replace(b'data-cs="', b'data-cs="1')
    with pytest.raises(ValueError, match="of another length"):
        client_code(damaged)


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Any:
    """A function (bytes) -> a browser's page that shows them from disk; afterwards it asked the network for nothing."""
    opened = []
    asked: list[str] = []

    def start(content: bytes) -> Any:
        (tmp_path / "scene.html").write_bytes(content)
        page = browser.chromium.new_context(viewport={"width": 900, "height": 600}).new_page()
        page.on("request", lambda request: asked.append(request.url))
        opened.append(page)
        page.goto((tmp_path / "scene.html").as_uri())
        return page

    yield start
    for page in opened:
        page.context.close()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []


def shot(page: Any, hidden: str) -> np.ndarray:
    """(height, width, 3) what a page shows of the scene, without its texts."""
    page.add_style_tag(content=f"{hidden} {{ visibility: hidden !important }}")
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), float)


def room(balls: Any, make_columns: Callable[..., np.ndarray]) -> Document:
    """Walls one behind the other, each hiding most of the next, in an order of the file that is none of depth."""
    from gsseg.io.ply import write_splats

    rng = np.random.default_rng(5)
    walls, each = 8, 700
    wall = rng.permutation(np.repeat(np.arange(walls), each))
    columns = make_columns(walls * each)
    across = rng.uniform(-1.0, 1.0, (walls * each, 2))
    shift = np.linspace(-0.9, 0.9, walls)[wall]
    depth = np.array([3, 0, 6, 1, 7, 4, 2, 5])[wall] * 0.35
    for axis, values in zip("xyz", (across[:, 0] + shift, depth, across[:, 1] * 0.8), strict=True):
        columns[axis] = values
    hues = rng.uniform(0, 1, (walls, 3))
    hues /= hues.max(1, keepdims=True)
    for axis in range(3):
        columns[f"f_dc_{axis}"] = (hues[wall, axis] - 0.5) / 0.28209479177387814
        columns[f"scale_{axis}"] = np.log(0.05)
    columns["opacity"] = 3.0
    path = balls.path.parent / "room.ply"
    write_splats(path, columns)
    return segmented(path, wall.astype(np.int32))


def segmented(path: Path, ids: np.ndarray) -> Document:
    """A document of splats whose objects are these ids."""
    from gsseg.io.splat_formats import read_splats
    from gsseg.segmentation import Segmentation
    from gsseg.segmentation.describe import default_colors, default_name, describe_objects
    from gsseg.segmentation.segmented_ply import write_segmented
    from gsseg.segmentation.table import table_json

    splats, count = read_splats(path), int(ids.max()) + 1
    means = np.stack([splats.columns[axis] for axis in "xyz"], 1).astype(np.float32)
    table = describe_objects(
        ids, ids, means, [default_name(k) for k in range(count)], default_colors(count), [1] * count, [0.9] * count
    )
    features = np.eye(8, 6, dtype=np.float32)[ids]
    found = Segmentation(
        object_ids=ids, code_coarse=ids, code_fine=ids, discrete=features, learnt=features, objects=table
    )
    folder = path.parent / "room"
    folder.mkdir()
    write_segmented(folder / "segmented.ply", splats, found)
    (folder / "objects.json").write_text(table_json(table))
    return Document.open(folder)


def test_a_page_from_disk_shows_what_the_viewer_shows(
    balls: Any, make_columns: Any, open_viewer: Any, open_tab: Any, open_page: Any, poll: Any
):
    """The mean difference is 0 of 255 where both are sorted, on walls that hide each other, and 9 where one is not."""
    document = room(balls, make_columns)
    viewer = open_viewer(document)
    tab = open_tab(viewer, width=900, height=600)
    tab.session.color_by("photo")
    hidden = "body > *:not(#root), #root div:has(> canvas) ~ *, [class*=Notification], [class*=Paper], [class*=Tabs]"
    camera = tab.session.client.camera
    eye = Eye(tuple(camera.position), tuple(camera.look_at), tuple(camera.up_direction), camera.fov)
    page = open_page(page_of(document, eye))
    seen: list[float] = []

    def alike() -> bool:
        live, kept = shot(tab.page, hidden)[:, :560], shot(page, hidden)[:, :560]
        seen[:] = [float(np.abs(live - kept).mean())]
        return kept.std() > 20 and seen[0] < 0.5

    try:
        poll("the same picture", alike)
    except AssertionError as error:
        raise AssertionError(f"{error}: mean difference {seen[0]:.1f} of 255") from None
    corner = shot(page, hidden)[5, 5]
    assert tuple(corner) == DARK
    assert page.title() == "a <room>"


def test_a_page_lists_the_names_and_shows_where_they_are(balls: Any, open_page: Any, poll: Any):
    page = open_page(page_of(balls.document()))
    poll("the list", lambda: "4 objects" in page.inner_text("body"))
    assert page.locator("#gsseg-names li").all_inner_texts() == balls.names
    assert "Viser" not in page.inner_text("body")
    assert page.locator(".tabler-icon-binary-tree-2:visible").count() == 0
    page.locator("#gsseg-names li", has_text="red ball").hover()
    label = page.locator(".gsseg-label", has_text="red ball")
    poll("the name in the scene", lambda: label.is_visible())
    assert page.locator(".gsseg-label:visible").count() == 1

    def on_the_ball() -> bool:
        box = label.bounding_box()
        u, v = round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)
        seen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), float)
        near = seen[v + 14 : v + 24, u - 5 : u + 5].mean((0, 1))
        return bool(np.abs(near - balls.colors[1]).max() < 45)

    poll("the label on its ball", on_the_ball)
    page.get_by_text("names in the scene").click()
    poll("all names", lambda: page.locator(".gsseg-label:visible").count() == 4)
