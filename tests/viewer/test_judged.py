"""Locks and judgements over a restart, colours by class, and selections that come back."""

import json
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.classes import ObjectClass
from gsseg_viewer.colors import GREY, legend, piece_colors
from gsseg_viewer.document import Document
from gsseg_viewer.edits import EditError, delete, merge, rename_all
from gsseg_viewer.judged import Judged, base_of, find_judged, judged_from_json, judged_json
from gsseg_viewer.saving import save
from gsseg_viewer.server import serve
from gsseg_viewer.state import State
from gsseg_viewer.taking import take

from gsseg.run import Run

JUDGED = Judged(frozenset({0, 3}), frozenset({(0, 1), (2, 3)}))


def judge(document: Document, judged: Judged = JUDGED) -> None:
    document.shared.lock(judged.locked, True)
    for pair in judged.kept:
        document.shared.keep(pair, True, "kept them apart")


def test_they_survive_the_end_of_the_process_and_saving(balls):
    document = balls.document()
    with serve(document, port=0):
        judge(document)
    assert find_judged(document.run) == (JUDGED, "")
    again = balls.document()
    assert again.shared.judged == JUDGED
    with serve(again, port=0):
        again.apply("merged", lambda state: merge(state, state.pieces_of([1, 2]).tolist()))
        save(again)
        again.shared.lock([0], False)
    assert balls.document().shared.judged == Judged(frozenset({3}), JUDGED.kept)
    last = balls.document()
    with serve(last, port=0):
        last.shared.lock([3], False)
        for pair in JUDGED.kept:
            last.shared.keep(pair, False, "took it back")
    assert not (balls.path / "judged.json").exists(), "nothing to say"
    assert [each.name for each in balls.path.iterdir() if each.name.startswith(".")] in ([], [".lock"])


def test_a_lock_still_refuses_after_a_restart(balls):
    document = balls.document()
    with serve(document, port=0):
        document.shared.lock([2], True)
    again = balls.document()
    with pytest.raises(EditError, match="green ball is locked"):
        again.apply("deleted it", lambda state: delete(state, state.pieces_of([2]).tolist()))


def test_read_only_writes_nothing(balls):
    document = Document(Run.open(balls.path), read_only=True)
    with serve(document, port=0):
        judge(document)
    assert not (balls.path / "judged.json").exists()


def test_another_training_means_other_objects(balls):
    run = Run.open(balls.path)
    text = judged_json(JUDGED, base_of(run))
    assert judged_from_json(text, base_of(run)) == JUDGED
    assert judged_from_json(text, "another") == Judged()


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"format": "gsseg viewer judgements", "version": 2}',
        '{"format": "gsseg viewer judgements", "version": 1, "base": "x", "locked": [-1], "kept": []}',
        '{"format": "gsseg viewer judgements", "version": 1, "base": "x", "locked": [true], "kept": []}',
        '{"format": "gsseg viewer judgements", "version": 1, "base": "x", "locked": [], "kept": [[1, 2, 3]]}',
        '{"format": "gsseg viewer judgements", "version": 1, "base": "x", "locked": {}, "kept": []}',
        '{"format": "gsseg viewer judgements", "version": 1, "locked": [], "kept": []}',
    ],
)
def test_damaged_files_are_said_and_left_out(balls, content):
    (balls.path / "judged.json").write_text(content)
    document = balls.document()
    assert document.shared.judged == Judged()
    assert "judged.json holds what was locked and judged and cannot be read" in document.lost


def test_training_again_takes_them_away(balls):
    from gsseg.run import RunLayout

    assert RunLayout(balls.path).judged in RunLayout(balls.path).later


def test_the_file_is_plain(balls):
    document = balls.document()
    with serve(document, port=0):
        judge(document)
    told = json.loads((balls.path / "judged.json").read_text())
    assert (told["locked"], told["kept"]) == ([0, 3], [[0, 1], [2, 3]])


CLASSES = (ObjectClass("ball", (10, 200, 30)), ObjectClass("lamp", (200, 10, 30)))


def test_colours_by_class(balls):
    document = balls.document()

    def named(state: State) -> State:
        return rename_all(state, {0: "Ball", 1: "ball 2", 2: "lamp 7", 3: "vase"})

    state = document.apply("named them", named)
    rows = piece_colors(document.table_of(state), state, "class", CLASSES)[document.pieces_of(state)]
    ids = document.run.object_ids
    for each, color in ((0, CLASSES[0].color), (1, CLASSES[0].color), (2, CLASSES[1].color)):
        assert (rows[ids == each] == color).all()
    grey = rows[np.isin(ids, [-1, 3])]
    assert (grey == grey[:, :1]).all()
    told = legend(state, "class", CLASSES)
    assert told.swatches == [((10, 200, 30), "ball (2)"), ((200, 10, 30), "lamp (1)"), (GREY, "no class")]
    assert "1 of 4 are of none" in told.text


def test_selections_come_back(desk: Any):
    session, document = desk.session, desk.session.document
    desk.press("Alt+Z")
    assert desk.told[-1] == ("Not done", "Nothing else was selected before")
    for ids in ((1,), (1, 2), (3,)):
        desk.select(*ids)
    chosen = session.selection

    def objects() -> list[int]:
        return session.selection.objects(document.state)

    seen = []
    for key in ("Alt+Z", "Alt+Z", "Alt+Z", "Alt+Shift+Z", "Alt+Shift+Z", "Alt+Shift+Z"):
        desk.press(key)
        seen.append(objects())
    assert seen == [[1, 2], [1], [], [1], [1, 2], [3]]
    assert session.selection == chosen
    half = document.gaussians.means.numpy()[:, 2] > 0  # cuts pieces: earlier selections follow
    take(session, half, "set")
    desk.press("Alt+Z")
    assert objects() == [3]
    assert np.array_equal(document.rows(session.selection.pieces), np.flatnonzero(document.run.object_ids == 3))
    desk.select(1)
    document.apply("deleted it", lambda state: delete(state, state.pieces_of([3]).tolist()))
    desk.press("Alt+Z")
    assert 3 not in objects(), "what is gone is not selected again"
