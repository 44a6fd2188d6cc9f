"""People at one document: names, numbers, and taking back one's own edits among those of others."""

import numpy as np
import pytest
from gsseg_viewer.edits import EditError, delete, hide, merge, move, rename
from gsseg_viewer.people import LETTERS, People

ONE, TWO = 11, 22
BOTH = frozenset({ONE, TWO})


def same(one, other) -> bool:
    """Whether two versions say the same, whatever they are called."""
    marks = all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("owner", "hidden", "aside", "deleted")
    )
    return marks and dict(one.objects) == dict(other.objects)


def test_names_are_bounded_lines_and_numbers_are_reused():
    people, told = People(), []
    for client in (ONE, TWO):
        people.enter(client, lambda client=client: told.append(client))
    assert [people.get(each).name for each in (ONE, TWO)] == ["guest 1", "guest 2"]
    told.clear()
    people.call(ONE, "  Ada\n<b>\x00 ")
    assert people.others(TWO)[0].name == "Ada <b>"
    assert told == [TWO]
    for typed in ("", " \n", "x" * (LETTERS + 1)):
        with pytest.raises(EditError, match="a name has 1 to 24 letters"):
            people.call(ONE, typed)
    people.look(TWO, [3, 4])
    people.look(TWO, [3, 4])
    assert told == [TWO, ONE], "the same again is no news"
    people.leave(ONE)
    people.enter(33, lambda: None)
    assert people.get(33).number == 1
    assert people.present == {TWO, 33}


@pytest.mark.parametrize(
    "mine",
    [
        lambda state: delete(state, state.pieces_of([0]).tolist()),
        lambda state: hide(state, state.pieces_of([0]).tolist()),
        lambda state: rename(state, 0, "lamp"),
        lambda state: merge(state, state.pieces_of([0, 1]).tolist()),
        lambda state: move(state, state.pieces_of([0]).tolist()[:1], None),
    ],
)
def test_taking_back_is_as_if_it_had_not_been(balls, mine):
    """With an edit of somebody else in between that touches other objects: what is left is theirs alone."""

    def theirs(state):
        return rename(hide(state, state.pieces_of([3]).tolist()), 2, "vase")

    alone, document = balls.document(), balls.document()
    wanted = alone.apply("theirs", theirs, TWO)
    document.apply("mine", mine, ONE)
    both = document.apply("theirs", theirs, TWO)
    assert document.undo(ONE, BOTH) == "mine"
    assert same(document.state, wanted)
    with pytest.raises(EditError, match="nothing of yours"):
        document.undo(ONE, BOTH)
    document.redo(ONE)
    assert same(document.state, both)
    document.undo(ONE, BOTH)
    assert document.undo(TWO, BOTH) == "theirs"
    assert same(document.state, document.start)


def test_what_others_have_changed_since_is_not_taken_back(balls):
    document = balls.document()
    document.apply("mine", lambda state: merge(state, state.pieces_of([0, 1]).tolist()), ONE)
    document.apply("theirs", lambda state: move(state, state.pieces_of([0]).tolist(), 3), TWO)
    before = document.state
    with pytest.raises(EditError, match="somebody else has changed the same since"):
        document.undo(ONE, BOTH)
    assert document.state is before
    other = balls.document()
    other.apply("mine", lambda state: rename(state, 0, "lamp"), ONE)
    other.apply("theirs", lambda state: rename(state, 0, "vase"), TWO)
    with pytest.raises(EditError, match="another name since"):
        other.undo(ONE, BOTH)


def test_edits_of_who_has_gone_are_everybodys(balls):
    document = balls.document()
    document.apply("of somebody who reloaded", lambda state: rename(state, 0, "lamp"), 5)
    assert document.undo(ONE, BOTH) == "of somebody who reloaded"
    assert document.redo(ONE) == "of somebody who reloaded"
    document.apply("theirs", lambda state: rename(state, 1, "vase"), TWO)
    assert document.undo(ONE) == "theirs", "without saying who is here, the last one"
