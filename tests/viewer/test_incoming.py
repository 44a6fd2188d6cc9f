"""What browsers may send: the page's own messages pass, and nothing else reaches viser or the terminal."""

import math
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import websockets.sync.client
from gsseg_viewer.incoming import LARGEST, meant
from gsseg_viewer.panels.edit import UndoPanel
from gsseg_viewer.panels.look import LookPanel, ThemePanel
from gsseg_viewer.panels.recall import RecallPanel
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.security import VISER
from hypothesis import given, settings
from hypothesis import strategies as st
from viser._messages import (
    CommandTriggerMessage,
    GuiUpdateMessage,
    Message,
    RunJavascriptMessage,
    ScenePointerMessage,
    ShareUrlRequest,
    ViewerCameraMessage,
)
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed

CAMERA = ViewerCameraMessage((1, 0, 0, 0), (1, 1, 1), 1.0, 0.1, 9.0, 300, 400, (0, 0, 0), (0, 0, 1))
OURS = (
    CAMERA,
    GuiUpdateMessage("1", {"value": "object"}),
    GuiUpdateMessage("1", {"value": 0.25}),
    GuiUpdateMessage("1", {"value": True}),
    CommandTriggerMessage("1"),
    ScenePointerMessage("click", (0, 0, 0), (0.0, 1.0, 0.0), ((0.5, 0.5),), "shift"),
    ScenePointerMessage("rect-select", None, None, ((0.1, 0.1), (0.5, 0.5)), None),
)

SAID = r"."
"""Any message: `meant` is asked by nobody who would read it."""

scalars = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


def packed(message: Any) -> bytes:
    return msgspec.msgpack.encode(message.as_serializable_dict() if isinstance(message, Message) else message)


def refused_or_dropped(raw: bytes) -> bool:
    try:
        return not meant(raw)
    except ValueError:
        return True


@pytest.mark.parametrize("message", OURS, ids=lambda each: type(each).__name__)
def test_what_a_page_sends_passes(message: Message):
    assert meant(packed(message))


@pytest.mark.parametrize("message", [ShareUrlRequest(), RunJavascriptMessage("alert(1)")])
def test_other_messages_of_viser_go_nowhere(message: Message):
    assert not meant(packed(message))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | anything.map(packed))
def test_anything_else_is_refused(raw: bytes):
    assert refused_or_dropped(raw)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(OURS), st.data())
def test_a_field_that_is_changed_is_refused_or_harmless(message: Message, data: st.DataObject):
    """Whatever passes is decoded by viser into numbers that are finite and texts that are short."""
    told = message.as_serializable_dict()
    name = data.draw(st.sampled_from(sorted(told)))
    told[name] = data.draw(anything)
    raw = packed(told)
    if not refused_or_dropped(raw):
        again = vars(Message.deserialize(raw))
        numbers = [each for value in again.values() for each in _numbers(value)]
        assert all(math.isfinite(each) and abs(each) <= 1e12 for each in numbers)
        assert set(again.get("updates", {"value"})) == {"value"}


def _numbers(value: Any) -> list[float]:
    if isinstance(value, int | float):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [number for each in inside for number in _numbers(each)]


@pytest.mark.parametrize(
    ("field", "value"),
    [("wxyz", (0, 0, 0, 0)), ("position", (math.nan, 0, 0)), ("fov", 0.0), ("fov", math.pi), ("fov", math.inf),
     ("image_width", -1), ("image_height", 1 << 20), ("look_at", (0, 0)), ("up_direction", (0, 0, 0)), ("near", "x")],
)  # fmt: skip
def test_no_camera(field: str, value: Any):
    with pytest.raises(ValueError, match=SAID):
        meant(packed(CAMERA.as_serializable_dict() | {field: value}))


def test_no_other_property_of_an_element_can_be_set():
    for updates in ({"update_cb": []}, {"value": 1, "removed": True}, {"value": [1]}, {"value": "x" * 200_000}, {}):
        with pytest.raises(ValueError, match=SAID):
            meant(packed(GuiUpdateMessage("1", updates)))


def test_nested_without_end():
    with pytest.raises(ValueError, match=SAID):
        meant(packed({"type": "GuiUpdateMessage"})[:-1] + b"\x91" * 100_000)


@pytest.fixture
def viewer(balls: Any, open_viewer: Callable[..., Any]) -> Any:
    """A server of the four balls; afterwards nothing was printed."""
    return open_viewer(balls.document())


def connected(viewer: Any) -> Any:
    return websockets.sync.client.connect(
        f"ws://127.0.0.1:{viewer.port}", subprotocols=[Subprotocol(f"viser-v{VISER}")], max_size=None, compression=None
    )


def entered(viewer: Any, poll: Callable[..., Any]) -> tuple[Any, Any]:
    """A connection that viser takes for a browser, and its session."""
    known = set(viewer.sessions)
    client = connected(viewer)
    client.send(packed(CAMERA))

    def complete() -> Any:
        came = [each for each in viewer.sessions if each not in known]
        return next((each for each in came if any(isinstance(panel, RecallPanel) for panel in each.panels)), None)

    return client, poll("a session with all its panels", complete)


def ended(client: Any) -> int:
    """Code that the server closes a connection with; what it sends before is not looked at."""
    with suppress(ConnectionClosed):
        while True:
            client.recv(timeout=20)
    return client.protocol.close_code


def test_a_bad_message_ends_its_connection_and_no_other(viewer: Any, poll: Callable[..., Any]):
    staying, session = entered(viewer, poll)
    bad = (
        b"", b"\x00" * 30, "text", packed(["a"]), packed({"type": 3}), packed({"type": "GuiUpdateMessage"}),
        packed(CAMERA.as_serializable_dict() | {"wxyz": "up"}), packed(GuiUpdateMessage("1", {"update_cb": 1})),
    )  # fmt: skip
    for each in bad:
        client = connected(viewer)
        client.send(packed(CAMERA))
        client.send(each)
        assert ended(client) == 1007
    assert viewer.doorkeeper.refused == len(bad)
    huge = connected(viewer)
    huge.send(bytes(LARGEST + 1))
    assert ended(huge) == 1009
    poll("only the one that stays", lambda: viewer.sessions == [session])
    staying.send(packed(GuiUpdateMessage(_panel(session, LookPanel).coloring._impl.uuid, {"value": "agreement"})))
    poll("it goes on", lambda: session.coloring == "agreement")
    staying.close()


def test_values_and_names_that_mean_nothing_change_nothing(viewer: Any, poll: Callable[..., Any]):
    """Well-formed messages with values of the wrong kind and elements that are not there: ignored, and the next one
    is heard."""
    client, session = entered(viewer, poll)
    look, theme = _panel(session, LookPanel), _panel(session, ThemePanel)
    distance, save = _panel(session, SelectionPanel).distance, _panel(session, UndoPanel).save
    for uuid in (look.coloring._impl.uuid, theme.dark._impl.uuid, distance._impl.uuid, save._impl.uuid, "nobody", ""):
        for value in ("no such thing", 1e9, -1, 0.5):
            client.send(packed(GuiUpdateMessage(uuid, {"value": value})))
    client.send(packed(CommandTriggerMessage("nobody")))
    client.send(packed(ScenePointerMessage("click", (0, 0, 0), (0, 0, 0), ((0.5, 0.5),), "shift")))
    key: Any = "no such key"
    client.send(packed(ScenePointerMessage("click", (0, 0, 0), (0, 1, 0), ((0.5, 0.5),), key)))
    client.send(packed(GuiUpdateMessage(look.coloring._impl.uuid, {"value": "agreement"})))
    poll("the last one heard", lambda: session.coloring == "agreement")
    assert viewer.doorkeeper.refused == 0
    assert not viewer.document.unsaved
    client.close()


def test_what_is_no_request_at_all_is_not_printed(viewer: Any):
    for raw in (
        b"\x16\x03\x01" + bytes(60) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a" * 9000 + b"\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", viewer.port)) as line:
            line.sendall(raw)
            line.settimeout(20)
            while line.recv(4096):
                pass


def _panel(session: Any, kind: type) -> Any:
    return next(each for each in session.panels if isinstance(each, kind))
