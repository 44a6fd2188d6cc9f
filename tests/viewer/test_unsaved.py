"""Edits that were not saved: kept while they are made, there again at the next start, gone when they are saved."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gsseg_viewer.dialogs import offer_recovery
from gsseg_viewer.document import Document
from gsseg_viewer.edits import rename
from gsseg_viewer.saving import save
from gsseg_viewer.unsaved import Keeper
from gsseg_viewer_test_saved import add_compressed, contents, edited, plain

from gsseg.run import Edits, Run


def kept(document: Document) -> Keeper:
    keeper = Keeper(document.to_keep)
    keeper.keep()
    keeper.wait()
    return keeper


@pytest.mark.parametrize("compressed", [False, True])
def test_nothing_is_lost_when_the_process_dies(balls: Any, compressed: bool) -> None:
    if compressed:
        add_compressed(balls.path, language=True)
    before = contents(balls.path)
    document = edited(balls.path)
    assert kept(document).problem == ""
    assert contents(balls.path).keys() - before.keys() == {"unsaved.json"}
    again = Document.open(balls.path)
    assert plain(again) == plain(document)
    assert again.unsaved
    assert again.recovered.startswith("5 edits of ")
    assert [info.source for info in again.state.objects.values()] == [0, 2, 3, 2]
    new = again.apply("", lambda state: rename(state, 0, "x")).next_id
    assert new == document.state.next_id, "no id is given again"
    again.undo()
    again.undo()
    assert not again.unsaved
    again.redo()
    save(again)
    kept(again)
    assert not (balls.path / "unsaved.json").exists()
    assert plain(Document.open(balls.path)) == plain(document)


def test_edits_after_a_saving_are_of_what_was_saved(balls: Any) -> None:
    document = edited(balls.path)
    save(document)
    document.apply("renamed", lambda state: rename(state, 0, "later"))
    kept(document)
    again = Document.open(balls.path)
    assert plain(again) == plain(document)
    assert again.recovered.endswith("the last: renamed")


def test_how_sure_a_name_is_comes_back(balls: Any) -> None:
    run = Run.open(balls.path)
    table = [replace(row, name_confidence=0.25 * row.id) for row in run.objects]
    run.save(Edits(object_ids=run.object_ids, objects=table, marks=run.marks, came_from=[*range(len(table))]))
    document = Document.open(balls.path)
    document.apply("renamed", lambda state: rename(state, 2, "by hand"))
    kept(document)
    again = Document.open(balls.path)
    assert [info.name_confidence for info in again.state.objects.values()] == [0.0, 0.25, None, 0.75]


def test_a_person_is_asked_and_may_discard_them(balls: Any, open_desk: Callable[..., Any]) -> None:
    kept(edited(balls.path))
    desk = open_desk(Document.open(balls.path))
    document = desk.session.document
    offer_recovery(desk.session, document.recovered)
    dialog = desk.session.messages._dialog
    discard = next(each for each in dialog._children.values() if getattr(each, "label", "") == "Discard them")
    desk.send(discard)
    assert not document.unsaved
    kept(document)
    assert not (balls.path / "unsaved.json").exists()
    assert plain(Document.open(balls.path)) == plain(document)
    document.undo()
    assert document.unsaved, "and may think better of it"


def test_a_viewer_keeps_them(balls: Any, open_viewer: Callable[..., Any]) -> None:
    document = balls.document()
    viewer = open_viewer(document)
    document.apply("renamed", lambda state: rename(state, 0, "kept"))
    viewer.stop()
    assert balls.document().state.objects[0].name == "kept"


def test_edits_of_another_version_are_left_out_and_told(balls: Any) -> None:
    kept(edited(balls.path))
    other = balls.document()
    other.undo()
    other.apply("", lambda state: rename(state, 0, "other"))
    save(other)
    again = balls.document()
    assert not again.unsaved
    assert "another version" in again.lost


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "", lambda text: "[]", lambda text: text[:-30],
        lambda text: text.replace('"version": 1', '"version": 9'),
        lambda text: text.replace('"next_id"', '"x"'), lambda text: json.dumps({**json.loads(text), "next_id": 1}),
        lambda text: json.dumps({**json.loads(text), "object_ids": "eJwDAAAAAAE="}),
        lambda text: json.dumps({**json.loads(text), "objects": {}}),
        lambda text: json.dumps({**json.loads(text), "objects": {"0": {"name": 3}}}),
        lambda text: text.replace('"name_confidence": null', '"name_confidence": 1.5'),
    ],
)  # fmt: skip
def test_a_damaged_file_does_not_keep_the_run_closed(balls: Any, damage: Callable[[str], str]) -> None:
    kept(edited(balls.path))
    path = balls.path / "unsaved.json"
    path.write_text(damage(path.read_text()))
    again = balls.document()
    assert not again.unsaved
    assert "cannot be read" in again.lost
    assert path.exists(), "nothing is thrown away"


def test_a_folder_that_takes_no_file_is_told_once(balls: Any) -> None:
    told: list[str] = []
    document = edited(balls.path)
    (balls.path / "unsaved.json").mkdir()
    keeper = Keeper(document.to_keep, told.append)
    for _ in range(3):
        keeper.keep()
        keeper.wait()
    assert len(told) == 1
    assert "unsaved.json" in told[0]
    assert keeper.problem == told[0]


def test_beside_a_file_by_itself(balls: Any, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    (balls.path / "segmented.ply").rename(tmp_path / "alone" / "room.ply")
    document = Document.open(tmp_path / "alone" / "room.ply")
    document.apply("", lambda state: rename(state, 0, "mine"))
    kept(document)
    assert (tmp_path / "alone" / "room.unsaved.json").is_file()
    assert Document.open(tmp_path / "alone" / "room.ply").state.objects[0].name == "mine"
