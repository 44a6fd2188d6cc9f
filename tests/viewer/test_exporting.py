"""What leaves the viewer as a file is what lies on disk, and what the browser shows."""

import base64
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from gsseg_viewer.colors import alphas, colors
from gsseg_viewer.edits import delete, hide, isolate, merge, rename, restore
from gsseg_viewer.exporting import (
    WHATS,
    Eye,
    export_command,
    over,
    page_bytes,
    page_size,
    picture_bytes,
    ply_bytes,
    ply_size,
    rows_of,
)
from gsseg_viewer.saving import save
from gsseg_viewer.selection import PieceSelection, of_objects
from gsseg_viewer.splats import SplatNodes
from PIL import Image

from gsseg.cli import main
from gsseg.io.splat_formats import read_splats

EYE = Eye((0.0, -5.0, 0.8), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1.0)


def selected(document: Any, *ids: int) -> PieceSelection:
    return of_objects(PieceSelection(), document.state, list(ids))


def test_the_bytes_are_those_that_gsseg_export_writes(balls: Any, tmp_path: Path):
    document = balls.document()
    rows = rows_of(document, document.state, selected(document, 2), "the selection")
    assert main(["export", "-m", str(balls.path), "--out", str(tmp_path / "out"), "--objects", "2", "--quiet"]) == 0
    assert ply_bytes(document, rows) == (tmp_path / "out" / "object_002.ply").read_bytes()


@pytest.mark.parametrize("what", WHATS)
def test_rows_and_columns_are_those_on_disk(balls: Any, tmp_path: Path, what: Any):
    document = balls.document()
    ids = read_splats(balls.path / "segmented.ply").columns["object_id"]
    wanted = {"the selection": ids == 1, "all but the selection": ids != 1, "everything shown": ids > -2}[what]
    rows = rows_of(document, document.state, selected(document, 1), what)
    content = ply_bytes(document, rows)
    (tmp_path / "part.ply").write_bytes(content)
    written, whole = read_splats(tmp_path / "part.ply").columns, read_splats(balls.path / "splats.ply").columns
    assert written.dtype.names == whole.dtype.names
    assert written.tobytes() == np.asarray(whole)[wanted].tobytes()
    assert 0 < len(content) - ply_size(document, len(rows)) < 1500  # the header


def test_the_three_parts_of_a_scene_make_it_whole(balls: Any):
    document = balls.document()
    document.apply("hid", lambda state: hide(state, state.pieces_of([0])))
    document.apply("deleted", lambda state: delete(state, state.pieces_of([3])))
    state, chosen = document.state, selected(document, 1)
    parts = [rows_of(document, state, chosen, what) for what in WHATS]
    assert sorted([*parts[0], *parts[1]]) == parts[2].tolist()
    ids = document.object_ids(state)
    assert set(ids[parts[0]]) == {1}
    assert set(ids[parts[1]]) == {2, -1}


def test_what_is_hidden_or_deleted_is_in_no_part_even_if_selected(balls: Any):
    document = balls.document()
    chosen = selected(document, 0, 3)
    document.apply("hid", lambda state: hide(state, state.pieces_of([0])))
    document.apply("deleted", lambda state: delete(state, state.pieces_of([3])))
    for what in ("the selection", "all but the selection"):
        ids = document.object_ids(document.state)[rows_of(document, document.state, chosen, what)]
        assert not set(ids) & {0, 3}


def test_the_command_repeats_the_selection(balls: Any, tmp_path: Path):
    document = balls.document()
    chosen = selected(document, 1)
    command = export_command(document, document.state, chosen, "the selection")
    assert command is not None
    words = shlex.split(command.replace("OUT", str(tmp_path / "out")))
    assert main([*words[1:], "--quiet"]) == 0
    rows = rows_of(document, document.state, chosen, "the selection")
    assert (tmp_path / "out" / "object_001.ply").read_bytes() == ply_bytes(document, rows)


def test_the_command_repeats_the_rest_without_what_is_deleted(balls: Any, tmp_path: Path):
    document = balls.document()
    document.apply("deleted", lambda state: delete(state, state.pieces_of([3])))
    chosen = selected(document, 1)
    command = export_command(document, document.state, chosen, "all but the selection")
    assert command is not None
    words = shlex.split(command.replace("OUT", str(tmp_path / "out")))
    assert main([*words[1:], "--quiet"]) == 0
    rows = rows_of(document, document.state, chosen, "all but the selection")
    assert (tmp_path / "out" / "scene.ply").read_bytes() == ply_bytes(document, rows)


def test_the_command_repeats_several_objects_in_one_file(balls: Any, tmp_path: Path):
    document = balls.document()
    chosen = selected(document, 1, 3)
    command = export_command(document, document.state, chosen, "the selection")
    assert command is not None
    words = shlex.split(command.replace("OUT", str(tmp_path / "out")))
    assert main([*words[1:], "--quiet"]) == 0
    rows = rows_of(document, document.state, chosen, "the selection")
    assert np.array_equal(rows, np.flatnonzero(np.isin(document.run.object_ids, [1, 3])))
    assert (tmp_path / "out" / "objects.ply").read_bytes() == ply_bytes(document, rows)


def test_no_command_where_none_would_do_it(balls: Any):
    document = balls.document()
    label = frozenset(document.state.pieces_of([0])[:1].tolist())
    assert export_command(document, document.state, PieceSelection(label), "the selection") is None
    assert export_command(document, document.state, PieceSelection(), "the selection") is None
    assert export_command(document, document.state, PieceSelection(), "everything shown") is not None
    document.apply(
        "isolated", lambda state: isolate(state, state.pieces_of([0]))
    )  # also hides what belongs to no object
    assert export_command(document, document.state, selected(document, 0), "everything shown") is None
    assert export_command(document, document.state, selected(document, 0), "the selection") is not None
    document.undo()
    document.apply("renamed", lambda state: rename(state, 0, "ball"))
    assert export_command(document, document.state, selected(document, 0), "the selection") is not None
    document.apply("merged", lambda state: merge(state, state.pieces_of([0, 1])))
    assert export_command(document, document.state, selected(document, 2), "the selection") is None


def test_no_command_brings_back_what_is_deleted_on_disk(balls: Any):
    document = balls.document()
    document.apply("deleted", lambda state: delete(state, state.pieces_of([3])))
    save(document)
    assert export_command(document, document.state, PieceSelection(), "everything shown") is not None
    document.apply("restored", restore)
    assert export_command(document, document.state, PieceSelection(), "everything shown") is None
    assert export_command(document, document.state, selected(document, 3), "the selection") is not None


def test_after_saving_the_command_has_the_ids_on_disk(balls: Any, tmp_path: Path):
    document = balls.document()
    document.apply("merged", lambda state: merge(state, state.pieces_of([1, 3])))
    save(document)
    names = {info.name: each for each, info in document.state.objects.items()}
    chosen = selected(document, names["green ball"])
    command = export_command(document, document.state, chosen, "the selection")
    assert command is not None
    words = shlex.split(command.replace("OUT", str(tmp_path / "out")))
    assert main([*words[1:], "--quiet"]) == 0
    (written,) = (tmp_path / "out").glob("object_*.ply")
    rows = rows_of(document, document.state, chosen, "the selection")
    assert written.read_bytes() == ply_bytes(document, rows)


def test_a_path_with_spaces_stays_one_word(balls: Any):
    moved = balls.path.rename(balls.path.with_name("my run; rm -rf $HOME"))
    document = type(balls)(moved, balls.centres, balls.colors, balls.names).document()
    command = export_command(document, document.state, selected(document, 0), "the selection")
    assert command is not None
    assert str(moved) in shlex.split(command)


def test_a_picture_is_laid_over_its_background():
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[0] = (10, 20, 30, 255)
    picture = np.asarray(Image.open(io.BytesIO(picture_bytes(pixels, (200, 100, 50)))))
    assert picture.shape == (3, 4, 3)
    assert (picture[0] == (10, 20, 30)).all()
    assert (picture[1:] == (200, 100, 50)).all()
    opaque = np.full((2, 2, 3), 7, np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(picture_bytes(opaque, (0, 0, 0))))) == 7).all()


def test_rendered_pictures_show_the_background_where_nothing_is():
    colors = np.array([[[0.5, 0.25, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0]]], np.float32)
    assert over(colors, (30, 60, 90)).tolist() == [[[128, 64, 255], [30, 60, 90]]]


def recording(page: bytes) -> tuple[list[Any], list[bytes]]:
    """Messages and buffers of a web page, as viser's client reads them."""
    import msgspec

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
    nodes, state = SplatNodes.of(document), document.state
    page = page_bytes(nodes, colors(document, state, "object", PieceSelection()), alphas(document, state), EYE)
    messages, buffers = recording(page)
    kinds = [message["type"] for message in messages]
    assert kinds.count("GaussianSplatsMessage") == 4  # three objects, and what belongs to none
    assert set(kinds) - {"GaussianSplatsMessage"} == {
        "SetCameraUpDirectionMessage", "SetCameraPositionMessage", "SetCameraLookAtMessage", "SetCameraFovMessage",
    }  # fmt: skip
    splats = np.concatenate([np.frombuffer(each, np.uint8).reshape(-1, 32) for each in buffers])
    assert len(splats) == 3 * 700 + 50
    assert {tuple(row) for row in splats[:, 28:31].tolist()} >= {(200, 120, 40), (200, 160, 40), (200, 200, 40)}
    assert (splats[:, 31] > 0).all()
    assert "blue" not in json.dumps(messages)
    assert abs(len(page) - page_size(len(splats))) < 0.15 * len(page)


def test_a_page_opens_from_disk_and_asks_for_nothing(balls: Any, browser: Any, tmp_path: Path, poll: Any):
    document = balls.document()
    state = document.state
    painted = colors(document, state, "photo", PieceSelection())
    (tmp_path / "scene.html").write_bytes(page_bytes(SplatNodes.of(document), painted, alphas(document, state), EYE))
    page = browser.chromium.new_page(viewport={"width": 1000, "height": 800})  # viser's notice covers a corner
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "scene.html").as_uri())

    def balls_drawn() -> bool:
        picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), int)
        near = [np.abs(picture - color).max(2) < 40 for color in balls.colors]
        return all(each.sum() > 30 for each in near)

    poll("four balls in their colours", balls_drawn)
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
