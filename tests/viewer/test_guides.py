"""Guides: naming, borders, splits, each led by keys alone, and compared with what NumPy says of the same arrays."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from gsseg_viewer import testimony
from gsseg_viewer.classes import ObjectClass
from gsseg_viewer.document import Document
from gsseg_viewer.guides.naming import unnamed
from gsseg_viewer.testimony import Borders, best_view

from gsseg.features import MaskEvidence
from gsseg.run import Run
from gsseg.segmentation.confidence import Border

CLASSES = (ObjectClass("ball", (1, 2, 3)), ObjectClass("lamp", (4, 5, 6)), ObjectClass("lantern", (7, 8, 9)))
BORDERS = tuple(
    Border(first, second, two, 2.0, 3.0, 0.5)
    for first, second, two in ((0, 1, 0.45), (1, 2, 0.6), (0, 2, 0.3), (2, 3, 0.98))
)
"""The most doubtful first."""


@pytest.fixture
def unnamed_desk(balls: Any, open_desk: Any) -> Any:
    """Four balls that nobody has named, and three classes."""
    text = (balls.path / "objects.json").read_text()
    for each, name in enumerate(("blue <b>ball</b>", "red ball", "green ball", "yellow ball")):
        text = text.replace(f'"{name}"', f'"object {each}"')
    (balls.path / "objects.json").write_text(text)
    return open_desk(Document(Run.open(balls.path), CLASSES))


def names(desk: Any) -> list[str]:
    return [info.name for _, info in sorted(desk.session.document.state.objects.items())]


def chosen(desk: Any) -> list[int]:
    return desk.session.selection.objects(desk.session.document.state)


def keys(desk: Any, *pressed: str) -> None:
    for key in pressed:
        desk.press(key)


def test_a_key_an_object_names_them_all(unnamed_desk: Any):
    keys(unnamed_desk, "N", "1", "1", "2", "1")
    assert sorted(names(unnamed_desk)) == ["ball", "ball 2", "ball 3", "lamp"]
    assert unnamed_desk.session.guide is None, "nothing is left to name"


def test_skipping_going_back_and_undoing(unnamed_desk: Any):
    desk = unnamed_desk
    keys(desk, "N")
    first = chosen(desk)
    keys(desk, "N")
    second = chosen(desk)
    assert first != second
    keys(desk, "Shift+N")
    assert chosen(desk) == first
    keys(desk, "2")
    assert desk.session.document.state.objects[first[0]].name == "lamp"
    desk.session.undo()
    assert names(desk) == [f"object {each}" for each in range(4)]
    keys(desk, "Esc")
    assert desk.session.guide is None


def test_other_keys_do_what_they_always_do(unnamed_desk: Any):
    desk = unnamed_desk
    keys(desk, "N")
    (first,) = chosen(desk)
    keys(desk, "Delete", "1")
    state = desk.session.document.state
    assert state.deleted_objects == {first}
    assert sum(info.name == "ball" for info in state.objects.values()) == 1


def test_what_is_typed_is_a_class_or_the_one_that_begins_so(unnamed_desk: Any):
    desk = unnamed_desk

    def typed(text: str) -> None:
        desk.session.enqueue(lambda: desk.session.guide.typed(text))
        desk.settle()

    keys(desk, "N")
    typed("lan")
    typed("la")
    typed("vase")
    typed("vase 7")
    assert sorted(names(desk)) == ["la", "lantern", "vase", "vase 7"]
    assert [each.name for each in desk.session.document.shared.classes] == ["ball", "lamp", "lantern", "la", "vase"]
    desk.press("5")
    assert desk.told[-1][0] != "That failed"


def test_a_digit_names_a_selection_without_a_guide(unnamed_desk: Any):
    unnamed_desk.select(1, 3)
    keys(unnamed_desk, "Shift+9")
    assert unnamed_desk.told[-1][0] == "Not done"
    keys(unnamed_desk, "3")
    assert names(unnamed_desk) == ["object 0", "lantern", "object 2", "lantern 2"]
    assert unnamed_desk.session.document.history()[0] == ["named 2 objects lantern"]


def test_unnamed_goes_round_from_the_largest(desk: Any):
    document = desk.session.document
    assert unnamed(document.state, None) == []


def judged(desk: Any) -> None:
    """The borders that a training would have judged."""
    document = desk.session.document
    testimony._BORDERS[document] = Borders(BORDERS, document.start)


def test_borders_in_doubt_are_merged_kept_and_skipped(desk: Any):
    """The least certain first; a merged object's other borders go on with whoever has it now."""
    judged(desk)
    keys(desk, "U")
    assert chosen(desk) == [0, 1]
    keys(desk, "K")
    assert chosen(desk) == [1, 2]
    keys(desk, "M")
    assert sorted(desk.session.document.state.objects) == [0, 1, 3]
    assert chosen(desk) == [0, 1], "what was the border of 0 and 2"
    keys(desk, "M")
    assert len(desk.session.document.state.objects) == 2
    assert desk.session.guide is None, "the last border is not in doubt"
    assert desk.session.preview is None
    desk.session.undo()
    keys(desk, "U")
    assert chosen(desk) == [0, 1]


def test_back_takes_a_judgement_back(desk: Any):
    judged(desk)
    keys(desk, "U", "K", "N")
    assert chosen(desk) == [0, 2]
    keys(desk, "Shift+N")
    assert desk.session.guide is not None
    keys(desk, "Shift+N")
    assert chosen(desk) in ([0, 1], [1, 2])


def test_merge_alone_offers_what_is_probably_one(desk: Any):
    judged(desk)
    keys(desk, "M")
    assert chosen(desk) == [0, 2], "least likely to be two"
    keys(desk, "Esc")
    desk.select(3)
    keys(desk, "M")
    assert chosen(desk) == [2, 3], "the only border of the one that was selected"


def test_both_sides_of_a_border_have_their_colours(desk: Any):
    judged(desk)
    keys(desk, "U")
    rgb, _ = desk.session._painted()
    ids = desk.session.document.run.object_ids
    (first,), (second,) = np.unique(rgb[ids == 0], axis=0).tolist(), np.unique(rgb[ids == 1], axis=0).tolist()
    assert np.abs(np.subtract(first, second)).max() > 100
    keys(desk, "Esc")
    assert not desk.session.selection


def witnessed(desk: Any) -> MaskEvidence:
    """Two views; in each a mask for either half of ball 0, and more of it seen in the second."""
    document = desk.session.document
    means, ids = document.gaussians.means.numpy(), document.run.object_ids
    left = (ids == 0) & (means[:, 0] < means[ids == 0, 0].mean())
    right = (ids == 0) & ~left
    rows = np.stack([0 * ids, left, right, 0 * ids, 3 * left, 3 * right]).astype(np.float32)
    evidence = MaskEvidence(
        sp.csr_array(rows), np.array([0, 0, 0, 1, 1, 1], np.int32), np.array([0, 1, 2] * 2, np.int32),
        np.ones(len(ids), bool), rows.sum(0), np.zeros((2, 3), np.float32),
    )  # fmt: skip
    testimony._FOUND[document] = evidence
    return evidence


def test_a_split_is_shown_and_then_taken_as_it_was_shown(desk: Any):
    """Two masks in every view: two parts, those halves, to the Gaussian; undo makes it one again."""
    document = desk.session.document
    evidence = witnessed(desk)
    desk.select(0)
    keys(desk, "S")
    guide: Any = desk.session.guide
    assert document.state is document.saved
    shown = desk.session.preview.part
    mine = document.run.object_ids == 0
    assert (shown[~mine] == -1).all()
    keys(desk, "1")
    assert guide.ways[0].parts == 2
    halves = desk.session.preview.part[mine] == desk.session.preview.part[mine][0]
    left = evidence.matrix[[1]].toarray()[0, mine] > 0
    assert np.array_equal(halves, left) or np.array_equal(halves, ~left)
    keys(desk, "Enter")
    now = document.object_ids(document.state)
    assert np.unique(now[mine]).tolist() == [0, 4]
    assert np.array_equal(now[mine] == now[mine][0], halves)
    assert desk.session.guide is None
    assert desk.session.preview is None
    desk.session.undo()
    assert np.array_equal(document.object_ids(document.state), document.run.object_ids)


def test_without_evidence_only_codes_are_offered(desk: Any):
    desk.select(0, 1)
    keys(desk, "S")
    assert desk.told[-1][0] == "Not done"
    desk.select(0)
    keys(desk, "S", "1", "Esc")
    assert len(desk.session.document.state.objects) == 4
    keys(desk, "S", "C")
    assert len(desk.session.document.state.objects) == 5
    keys(desk, "U")
    assert desk.told[-1][0] == "Not done"


def test_the_best_view_is_the_one_with_most_light(desk: Any, balls: Any):
    evidence, document = witnessed(desk), desk.session.document
    views = [replace(view, labels=np.ones((2, 2), np.uint16)) for view in balls.views()[:2]]
    mine = document.run.object_ids == 0
    light = [(evidence.matrix[3 * k : 3 * k + 3].toarray()[:, mine]).sum() for k in range(2)]
    assert best_view(document, views, [mine]) is views[int(np.argmax(light))]
    assert best_view(document, views, [document.run.object_ids == 3]) is None


def test_nothing_can_be_edited_where_it_is_only_shown(balls: Any, open_desk: Any):
    desk = open_desk(Document(Run.open(balls.path), read_only=True))
    before = desk.session.document.state
    desk.select(0, 1)
    keys(desk, "M", "Delete", "H", "G")
    assert desk.session.document.state is before
    assert "--read-only" in desk.told[-1][1]
    assert not desk.session.save()
    assert not (balls.path / "unsaved.json").exists()
