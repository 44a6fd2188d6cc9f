"""What a tab remembers comes back as it was, and nothing else does any harm."""

import json
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from gsseg_viewer import recall as module
from gsseg_viewer.document import Document
from gsseg_viewer.edits import hide
from gsseg_viewer.recall import Recall, remembered
from gsseg_viewer.selection import LEVELS, PieceSelection, click, of_objects
from hypothesis import given, settings
from hypothesis import strategies as st

SEEN = {"position": [0, -5, 1], "look_at": [0, 0, 0], "up_direction": [0, 0, 1], "fov": 1.0}


@pytest.fixture
def document(balls: Any) -> Document:
    """The four balls."""
    return balls.document()


def told(**parts: Any) -> str:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parts.items()}
    return f"/?{urlencode(texts)}"


@pytest.mark.parametrize("level", LEVELS)
def test_a_session_comes_back(level: Any, document: Document):
    chosen = PieceSelection(level=level, distance=0.45)
    for piece in (2, 5):
        chosen = click(chosen, document.state, document.division.table, piece, "add")
    back = Recall.of(told(session=remembered(document, chosen, "agreement", dark=False), camera=SEEN))
    assert back.selection(document) == chosen
    assert back.session is not None
    assert (back.session.coloring, back.session.dark) == ("agreement", False)
    assert back.pose is not None
    np.testing.assert_allclose(back.pose.position, SEEN["position"])


def test_a_selection_too_large_for_an_address_comes_back_by_its_clicks(document: Document, monkeypatch: Any):
    chosen = click(PieceSelection(), document.state, document.division.table, 3, "set")
    monkeypatch.setattr(module, "MOST", 1)
    text = remembered(document, chosen, "photo", dark=True)
    assert '"pieces":null' in text
    assert Recall.of(told(session=text)).selection(document) == chosen


def test_what_is_gone_is_not_selected_again(document: Document):
    text = remembered(document, of_objects(PieceSelection(), document.state, [1, 2]), "photo", dark=True)
    document.apply("hid", lambda state: hide(state, state.pieces_of([1])))
    back = Recall.of(told(session=text)).selection(document)
    assert back.objects(document.state) == [2]
    rows = {
        "coloring": "photo",
        "level": "object",
        "distance": 0.3,
        "dark": True,
        "pieces": [0, 10**9],
        "anchors": [10**9],
    }
    assert Recall.of(told(session=rows)).selection(document).pieces <= {document.pieces[0]}


@pytest.mark.parametrize(
    "wrong",
    [{"position": [0, 0, 0]}, {"up_direction": [0, 0, 0]}, {"up_direction": [0, -5, 1]}, {"fov": 0}, {"fov": 4},
     {"position": [1e300, 0, 0]}, {"position": [0, 0]}, {"look_at": "origin"}, {"more": 1}],
)  # fmt: skip
def test_no_pose(wrong: dict[str, Any]):
    assert Recall.of(told(camera=SEEN)).pose is not None
    assert Recall.of(told(camera=SEEN | wrong)).pose is None


@settings(deadline=None, max_examples=200)
@given(
    st.text(max_size=80)
    | st.fixed_dictionaries({}, optional={"session": st.text(), "camera": st.text()}).map(urlencode)
)
def test_anything_else_is_nothing(text: str):
    back = Recall.of(f"/?{text}")
    assert (back.session, back.pose) == (None, None)


def test_twice_nested_or_large_is_nothing():
    good = {"coloring": "photo", "level": "object", "distance": 0.3, "dark": True}
    assert Recall.of(told(session=good)).session is not None
    many = list(range(module.MOST + 1))
    for wrong in ({"pieces": many}, {"coloring": "x"}, {"distance": "0.3"}, {"distance": -1}, {"anchor": -1}, {"x": 0}):
        assert Recall.of(told(session=good | wrong)).session is None
    assert Recall.of(told(session="[" * 5000)).session is None
    twice = told(session=good) + "&" + told(session=good)[2:]
    assert Recall.of(twice).session is None
