"""What leaves the viewer as a file is what lies on disk, and what the browser shows."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.edits import delete, hide, isolate, merge, rename, restore
from gsseg_viewer.exporting import KINDS, WHATS, export_command, over, rows_of, splats_bytes, splats_size
from gsseg_viewer.saving import save
from gsseg_viewer.selection import PieceSelection, of_objects

from gsseg.cli import main
from gsseg.io.splat_formats import read_splats


def selected(document: Any, *ids: int) -> PieceSelection:
    return of_objects(PieceSelection(), document.state, list(ids))


def test_the_bytes_are_those_that_gsseg_export_writes(balls: Any, tmp_path: Path):
    document = balls.document()
    rows = rows_of(document, document.state, selected(document, 2), "the selection")
    assert main(["export", "-m", str(balls.path), "--out", str(tmp_path / "out"), "--objects", "2", "--quiet"]) == 0
    assert splats_bytes(document, document.state, rows, "PLY") == (tmp_path / "out" / "object_002.ply").read_bytes()


@pytest.mark.parametrize("what", WHATS)
def test_rows_and_columns_are_those_on_disk(balls: Any, tmp_path: Path, what: Any):
    document = balls.document()
    ids = read_splats(balls.path / "segmented.ply").columns["object_id"]
    wanted = {"the selection": ids == 1, "all but the selection": ids != 1, "everything shown": ids > -2}[what]
    rows = rows_of(document, document.state, selected(document, 1), what)
    content = splats_bytes(document, document.state, rows, "PLY")
    (tmp_path / "part.ply").write_bytes(content)
    written, whole = read_splats(tmp_path / "part.ply").columns, read_splats(balls.path / "splats.ply").columns
    assert written.dtype.names == whole.dtype.names
    assert written.tobytes() == np.asarray(whole)[wanted].tobytes()
    assert 0 < len(content) - splats_size(document, len(rows), "PLY") < 1500  # the header


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
    assert (tmp_path / "out" / "object_001.ply").read_bytes() == splats_bytes(document, document.state, rows, "PLY")


def test_the_command_repeats_the_rest_without_what_is_deleted(balls: Any, tmp_path: Path):
    document = balls.document()
    document.apply("deleted", lambda state: delete(state, state.pieces_of([3])))
    chosen = selected(document, 1)
    command = export_command(document, document.state, chosen, "all but the selection")
    assert command is not None
    words = shlex.split(command.replace("OUT", str(tmp_path / "out")))
    assert main([*words[1:], "--quiet"]) == 0
    rows = rows_of(document, document.state, chosen, "all but the selection")
    assert (tmp_path / "out" / "scene.ply").read_bytes() == splats_bytes(document, document.state, rows, "PLY")


def test_the_command_repeats_several_objects_in_one_file(balls: Any, tmp_path: Path):
    document = balls.document()
    chosen = selected(document, 1, 3)
    command = export_command(document, document.state, chosen, "the selection")
    assert command is not None
    words = shlex.split(command.replace("OUT", str(tmp_path / "out")))
    assert main([*words[1:], "--quiet"]) == 0
    rows = rows_of(document, document.state, chosen, "the selection")
    assert np.array_equal(rows, np.flatnonzero(np.isin(document.run.object_ids, [1, 3])))
    assert (tmp_path / "out" / "objects.ply").read_bytes() == splats_bytes(document, document.state, rows, "PLY")


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
    assert written.read_bytes() == splats_bytes(document, document.state, rows, "PLY")


def test_a_path_with_spaces_stays_one_word(balls: Any):
    moved = balls.path.rename(balls.path.with_name("my run; rm -rf $HOME"))
    document = type(balls)(moved, balls.centres, balls.colors, balls.names).document()
    command = export_command(document, document.state, selected(document, 0), "the selection")
    assert command is not None
    assert str(moved) in shlex.split(command)


def test_rendered_pictures_show_the_background_where_nothing_is():
    colors = np.array([[[0.5, 0.25, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0]]], np.float32)
    assert over(colors, (30, 60, 90)).tolist() == [[[128, 64, 255], [30, 60, 90]]]


@pytest.mark.parametrize(
    ("kind", "name"), [(KINDS[1], "standard.ply"), (KINDS[2], "painted.ply"), (KINDS[3], "scene.glb")]
)
def test_other_formats_are_those_that_gsseg_export_writes(balls: Any, tmp_path: Path, kind: Any, name: str):
    """Of all but a deleted object, with a name that somebody has given."""
    document = balls.document()
    document.apply("", lambda state: rename(delete(state, state.pieces_of([3])), 1, "<b>Tür"))
    save(document)
    options = ["--out", str(tmp_path / "out"), "--also", "standard", "painted", "glb", "--quiet"]
    assert main(["export", "-m", str(balls.path), *options]) == 0
    rows = rows_of(document, document.state, PieceSelection(), "everything shown")
    content = splats_bytes(document, document.state, rows, kind)
    assert content == (tmp_path / "out" / name).read_bytes()
    assert 0 < len(content) - splats_size(document, len(rows), kind) < 4000
