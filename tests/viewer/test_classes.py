"""Classes: what a file says, what names are of, which name an object gets."""

from pathlib import Path

import numpy as np
import pytest
from gsseg_viewer.classes import base_of, class_of, classes_in, names_of_class, read_classes, with_class
from gsseg_viewer.state import ObjectState, State

from gsseg.errors import InputError


def state_of(*names: str) -> State:
    info = {k: ObjectState(name, (0, 0, 0), 1, 1.0) for k, name in enumerate(names)}
    return State.shown(np.arange(len(names), dtype=np.int32), np.ones(len(names), np.int64), info)


def test_a_file_of_classes(tmp_path: Path):
    path = tmp_path / "classes.txt"
    path.write_text("# of a kitchen\nchair\n\n  table   top #c08040\nlamp\n", "utf-8")
    found = read_classes(path)
    assert [each.name for each in found] == ["chair", "table top", "lamp"]
    assert found[1].color == (0xC0, 0x80, 0x40)
    assert len({each.color for each in found}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "0 classes"), ("chair\nCHAIR\n", "twice"), ("chair 2\n", "line 1"), ("x" * 90, "line 1"),
     ("\n".join(f"c{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(501)), "501 classes")],
)  # fmt: skip
def test_what_is_no_file_of_classes(tmp_path: Path, text: str, said: str):
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(InputError, match=said):
        read_classes(tmp_path / "classes.txt")


def test_bytes_that_are_no_text(tmp_path: Path):
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no list of classes"):
        read_classes(tmp_path / "classes.txt")


def test_a_class_is_the_name_before_its_number():
    assert [base_of(each) for each in ("chair", "chair 2", "chair2", "2", "a 1 2")] == [
        "chair",
        "chair",
        "chair2",
        "2",
        "a 1",
    ]
    classes = classes_in(["chair", "lamp", "chair 2"])
    assert [each.name for each in classes] == ["chair", "lamp"]
    assert class_of("CHAIR 9", classes) == 0
    assert class_of("sofa", classes) is None
    assert with_class(classes, "Lamp 3") is classes
    assert [each.name for each in with_class(classes, "sofa 2")] == ["chair", "lamp", "sofa"]


def test_the_first_free_number_and_no_name_twice():
    state = state_of("object 0", "chair", "object 2", "Chair 3", "object 4")
    assert names_of_class(state, [0, 2, 4], "chair") == {0: "chair 2", 2: "chair 4", 4: "chair 5"}
    assert names_of_class(state, [1, 3], "chair") == {}, "they are of it already"
    assert names_of_class(state, [0], "lamp") == {0: "lamp"}
