"""A run in a folder whose name is no UTF-8: everything that goes to a browser can be sent, and commands lead there."""

import html
import os
import shutil
from pathlib import Path

import msgspec
import pytest
from gsseg_viewer.document import Document
from gsseg_viewer.edits import rename
from gsseg_viewer.exporting import export_command
from gsseg_viewer.saving import save
from gsseg_viewer.selection import PieceSelection, of_objects

from gsseg.run import Run

ODD = os.fsdecode(b"Stra\xdfe \xff")
WRITTEN = r"Stra\xdfe \xff"


@pytest.fixture
def odd(balls, tmp_path) -> Document:
    """The four balls in such a folder."""
    try:
        run = Path(shutil.move(balls.path, tmp_path / ODD))
    except (OSError, UnicodeError) as error:
        pytest.skip(f"this file system has no such names ({error})")
    return Document.open(run)


def test_all_that_is_sent_can_be_written(odd, open_desk):
    desk = open_desk(odd)
    sent = b"".join(msgspec.msgpack.encode(each.as_serializable_dict()) for each in desk.connection.sent)
    assert WRITTEN in html.unescape(sent.decode("utf-8", "replace"))


def test_the_command_that_exports(odd):
    state = odd.state
    command = export_command(odd, state, of_objects(PieceSelection(), state, [0]), "the selection")
    assert command is not None
    assert f"{WRITTEN}' --out OUT --objects 0" in command


def test_it_is_served_and_saved(odd, open_viewer, tmp_path):
    assert open_viewer(odd).url.startswith("http://127.0.0.1:")
    odd.apply("", lambda state: rename(state, 0, "renamed"))
    save(odd)
    assert Run.open(tmp_path / ODD).objects[0].name == "renamed"
