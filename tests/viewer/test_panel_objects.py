"""The list of objects: what the page is told of them, and what a person does in it."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from gsseg_viewer.channel import PartTold
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.panels.objects import LARGEST_PICTURE, Entry, ObjectsPanel, entries, matching, picture
from gsseg_viewer.state import ObjectState, State


def ask(desk: Any, action: str, *ids: int, text: str = "") -> None:
    """What the page's list does."""
    desk.session.enqueue(lambda: desk.session.channel.hear(PartAsked("list", action, list(ids), text=text)))
    desk.settle()


def told(desk: Any, topic: str) -> Any:
    """What the list was told last."""
    return next(
        each.content for each in reversed(desk.connection.sent) if isinstance(each, PartTold) and each.topic == topic
    )


def chosen(desk: Any) -> list[int]:
    return desk.session.selection.objects(desk.session.document.state)


def test_rows_say_what_numpy_says(desk: Any):
    """Number, longest side and names of every object, as they follow from the columns alone."""
    document, rows = desk.session.document, told(desk, "rows")
    ids, means = document.run.object_ids, document.gaussians.means.numpy()
    assert rows["ids"] == [0, 1, 2, 3]
    assert rows["names"] == ["blue <b>ball</b>", "red ball", "green ball", "yellow ball"]
    for each, count, size in zip(rows["ids"], rows["gaussians"], rows["sizes"], strict=True):
        assert count == (ids == each).sum()
        assert size == pytest.approx(np.ptp(means[ids == each], axis=0).max())
    assert rows["agreement"] == pytest.approx([0.5, 0.6, 0.7, 0.8])
    assert rows["named"] == [True] * 4
    assert not any(rows["hidden"] + rows["locked"] + rows["pictures"])


def test_choosing_moves_no_camera_and_looking_does(desk: Any):
    ask(desk, "choose", 2)
    assert chosen(desk) == [2] == told(desk, "selected")
    ask(desk, "turn", 3)
    assert chosen(desk) == [2, 3]
    ask(desk, "turn", 2)
    assert chosen(desk) == [3]
    ask(desk, "add", 0, 1)
    assert chosen(desk) == [0, 1, 3]
    ask(desk, "choose", 1, 2)
    assert chosen(desk) == [1, 2]
    assert desk.poses == []
    ask(desk, "look", 1)
    assert chosen(desk) == [1]
    assert len(desk.poses) == 1


def test_a_click_sends_no_rows_again(desk: Any):
    desk.connection.sent.clear()
    ask(desk, "choose", 2)
    assert {each.topic for each in desk.connection.sent if isinstance(each, PartTold) and each.part == "list"} == {
        "selected"
    }


def test_what_the_pointer_is_on_is_lit_and_not_selected(desk: Any):
    ask(desk, "hover", 2)
    rgb, _ = desk.session._painted()
    mine = desk.session.document.run.object_ids == 2
    plain = np.array(desk.session.document.state.objects[2].color)
    assert (rgb[mine].sum(1) > plain.sum()).all()
    assert not desk.session.selection
    ask(desk, "hover")
    again, _ = desk.session._painted()
    assert (again[mine] == plain).all()
    assert (again[~mine] == rgb[~mine]).all()


def test_the_eye_hides_and_shows(desk: Any):
    document = desk.session.document
    ask(desk, "hide", 1)
    assert document.state.hidden_objects == {1}
    assert told(desk, "rows")["hidden"] == [False, True, False, False]
    ask(desk, "unhide", 1)
    assert not document.state.hidden.any()


def test_a_locked_object_is_left_alone_until_it_is_unlocked(desk: Any):
    """Edits that change it are refused, whoever makes them; hiding it, and edits of others, are not."""
    document = desk.session.document
    ask(desk, "lock", 1)
    assert told(desk, "rows")["locked"] == [False, True, False, False]
    before = document.state
    desk.select(1, 2)
    for key in ("M", "Delete", "G"):
        desk.press(key)
    assert desk.told[-1] == ("Not done", "Red ball is locked")
    assert document.state is before
    ask(desk, "hide", 1)
    desk.select(2)
    desk.press("Delete")
    assert document.state.deleted_objects == {2}
    ask(desk, "unlock", 1)
    desk.select(3)
    desk.press("Delete")
    assert document.state.deleted_objects == {2, 3}


@pytest.mark.parametrize("asked", [("choose", 7), ("hide", -1), ("no such thing", 1), ("meaning",)])
def test_what_makes_no_sense_changes_nothing(desk: Any, asked: tuple[Any, ...]):
    before = desk.session.document.state
    ask(desk, *asked)
    assert desk.told[-1][0] == "Not done"
    assert desk.session.document.state is before
    assert not desk.session.selection


def test_deleted_objects_leave_the_list(desk: Any):
    desk.select(0)
    desk.press("Delete")
    assert told(desk, "rows")["ids"] == [1, 2, 3]


def test_a_thousand_objects_are_a_few_bytes_each(desk: Any):
    count = 1000
    info = ObjectState("", (1, 2, 3), 1, 0.5)
    owner = np.arange(count, dtype=np.int32)
    state = State.shown(owner, np.ones(count, np.int64), {k: replace(info, name=f"chair {k}") for k in range(count)})
    document = desk.session.document
    document._versions = [(state, "")]
    pieces = (np.arange(len(document.gaussians)) % count).astype(np.int32)
    document._division = replace(document.division, of_gaussian=pieces, sizes=state.sizes, parents=owner)
    desk.panel(ObjectsPanel).refresh()
    assert len(told(desk, "rows")["ids"]) == count
    assert len(msgspec.msgpack.encode(told(desk, "rows"))) < 60 * count


def test_a_picture_is_read_from_the_run_and_from_nowhere_else(desk: Any, balls: Any):
    """Only a name that the table's reader lets pass, of an object that is as it was, and not too large."""
    document = desk.session.document
    name = f"thumbnails/{'a' * 16}.jpg"
    (balls.path / "thumbnails").mkdir()
    (balls.path / name).write_bytes(b"picture")
    document.run.objects[1] = replace(document.run.objects[1], thumbnail=name)
    assert picture(desk.session, 1) == b"picture"
    assert picture(desk.session, 2) == b""
    ask(desk, "picture", 1)
    assert told(desk, "picture 1") == b"picture"
    (balls.path / name).write_bytes(bytes(LARGEST_PICTURE + 1))
    assert picture(desk.session, 1) == b""
    (balls.path / name).unlink()
    assert picture(desk.session, 1) == b""


def test_matching_wants_every_word_and_puts_the_id_first():
    rows = [Entry(k, name, 10 - k, False) for k, name in enumerate(("red chair", "chair 4", "Red table", "lamp", "x"))]
    assert [row.id for row in matching(rows, "red")] == [0, 2]
    assert [row.id for row in matching(rows, "chair RED")] == [0]
    assert [row.id for row in matching(rows, "4")] == [4, 1]
    assert [row.id for row in matching(rows, "")] == [0, 1, 2, 3, 4]


def test_entries_count_every_gaussian(desk: Any):
    state = desk.session.document.state
    assert {row.id: row.gaussians for row in entries(state)} == {each: state.gaussians(each) for each in state.objects}
