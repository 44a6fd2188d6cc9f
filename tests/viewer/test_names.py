"""Names: what is typed is kept, two of one name are told of, and files are called as people write."""

from typing import Any

import pytest
from gsseg_viewer.downloads import NAME_BYTES, file_name
from gsseg_viewer.panels.edit import EditPanel
from gsseg_viewer.panels.export import ExportPanel


def named(desk: Any) -> dict[int, str]:
    return {each: info.name for each, info in desk.session.document.state.objects.items()}


def test_enter_renames(desk: Any) -> None:
    edit = desk.panel(EditPanel)
    desk.select(1)
    desk.send(edit.name, " a  chair ")
    desk.submit(edit.form)
    assert named(desk)[1] == "a chair"
    desk.submit(edit.form)
    assert len(desk.session.document.history()[0]) == 1, "the same once more is no edit"
    desk.send(edit.name, " ")
    desk.submit(edit.form)
    assert edit.name.value == "a chair"
    assert desk.told[-1] == ("Not done", "A name needs at least one letter")


def test_what_is_typed_is_kept_when_something_else_is_selected(desk: Any) -> None:
    edit = desk.panel(EditPanel)
    for elsewhere in (2, None):
        desk.select(1)
        desk.send(edit.name, f"chair {elsewhere}")
        desk.select(*([] if elsewhere is None else [elsewhere]))
        assert named(desk)[1] == f"chair {elsewhere}", "it is the name of what it was typed for"
        assert edit.name.value == ("" if elsewhere is None else "green ball")
    assert named(desk)[2] == "green ball"


def test_undo_shows_the_name_again(desk: Any) -> None:
    edit = desk.panel(EditPanel)
    desk.select(1)
    desk.send(edit.name, "chair")
    desk.send(edit.rename)
    desk.session.undo()
    desk.settle()
    assert edit.name.value == named(desk)[1] == "red ball"


def test_a_name_that_another_object_has_is_told(desk: Any) -> None:
    edit = desk.panel(EditPanel)
    desk.select(1)
    desk.send(edit.name, "Green ball")
    desk.submit(edit.form)
    assert named(desk)[1] == "Green ball"
    assert ("This name is taken", "Green ball is also the name of id 2; the id tells them apart.") in desk.told


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("стул", "стул"), ("Stühle 椅子", "Stühle_椅子"), ("стул\u202etxt.exe", "стул_txt_exe"),
        ("../../etc/passwd", "etc_passwd"), ("a\\b:c*d?", "a_b_c_d"), (".hidden", "hidden"), ("CON", "object_007"),
        ("🪑", "object_007"), ("", "object_007"), ("...", "object_007"), ("e\u0301", "é"), ("की", "की"),
    ],
)  # fmt: skip
def test_names_of_files(name: str, file: str) -> None:
    assert file_name(name, "object_007") == file


def test_a_long_name_fits_every_file_system() -> None:
    assert len(file_name("椅" * 80, "x").encode()) <= NAME_BYTES
    assert set(file_name("椅" * 80, "x")) == {"椅"}


def test_a_name_of_no_latin_letters_is_the_file_s_name(desk: Any) -> None:
    desk.select(1)
    desk.send(desk.panel(EditPanel).name, "красный мяч")
    desk.submit(desk.panel(EditPanel).form)
    desk.send(desk.panel(ExportPanel).splats)
    assert desk.downloads[-1][0] == "красный_мяч.ply"
