"""The channel to the page's own parts: what passes, what ends a connection, and that a name stays a text."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest
import websockets.sync.client
from gsseg_viewer.channel import Channel, PartTold
from gsseg_viewer.edits import EditError
from gsseg_viewer.incoming import PartAsked, meant
from gsseg_viewer.security import VISER
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed

GOOD = {"type": "PartAsked", "part": "probe", "action": "act", "ids": [3, -1], "numbers": [0.5, 2], "text": "a"}
BAD = (
    {"part": 3}, {"part": "p" * 41}, {"action": None}, {"ids": [-2]}, {"ids": [2**31]}, {"ids": ["1"]}, {"ids": 1},
    {"ids": [0] * 100_001}, {"numbers": [math.nan]}, {"numbers": [math.inf]}, {"numbers": [1e13]}, {"numbers": {}},
    {"text": 1}, {"text": "x" * 100_001}, {"more": 1},
)  # fmt: skip


def packed(told: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode(told)


def test_what_a_part_asks_is_read():
    assert meant(packed(GOOD)) == PartAsked("probe", "act", [3, -1], [0.5, 2.0], "a")
    assert meant(packed({"type": "PartAsked", "part": "probe", "action": "act"})) == PartAsked("probe", "act")


@pytest.mark.parametrize("wrong", BAD, ids=lambda each: f"{next(iter(each.items()))!s:.30}")
def test_anything_else_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=r"."):
        meant(packed(GOOD | wrong))


@pytest.mark.parametrize("field", ["part", "action"])
def test_a_part_and_an_action_must_be_there(field: str):
    with pytest.raises(ValueError, match=field):
        meant(packed({name: value for name, value in GOOD.items() if name != field}))


def test_what_is_told_is_sent_once_a_topic(desk: Any):
    told = PartTold("list", "rows", [1])
    assert told.redundancy_key() == PartTold("list", "rows", [2]).redundancy_key()
    assert told.redundancy_key() != PartTold("list", "marks", [1]).redundancy_key()
    assert told.redundancy_key() != PartTold("brush", "rows", [1]).redundancy_key()


def test_names_that_are_no_text_do_not_end_the_connection(desk: Any):
    """Half a letter, as JSON can hold it, cannot be sent: it is replaced, in keys too; arrays go as they are."""
    marks = np.arange(3, dtype=np.uint8)
    desk.session.channel.tell("list", "rows", {"half \ud800": ["\udfff", 1, {"deep": "\ud800!"}], "marks": marks})
    content = desk.connection.sent[-1].content
    assert content == {"half ?": ["?", 1, {"deep": "?!"}], "marks": marks}
    msgspec.msgpack.encode(desk.connection.sent[-1].as_serializable_dict([]))


def test_each_part_hears_what_is_asked_of_it():
    client: Any = None
    channel, heard = Channel(client), []
    channel.listen("list", heard.append)
    channel.hear(PartAsked("list", "choose", [3]))
    with pytest.raises(EditError, match="not there"):
        channel.hear(PartAsked("lasso", "choose"))
    assert heard == [PartAsked("list", "choose", [3])]


def test_a_wrong_message_ends_its_connection(balls: Any, open_viewer: Callable[..., Any]):
    viewer = open_viewer(balls.document())
    for wrong in (BAD[0], BAD[8]):
        client = websockets.sync.client.connect(
            f"ws://127.0.0.1:{viewer.port}", subprotocols=[Subprotocol(f"viser-v{VISER}")], max_size=None
        )
        client.send(packed(GOOD))
        client.send(packed(GOOD | wrong))
        with suppress(ConnectionClosed):
            while True:
                client.recv(timeout=20)
        assert client.protocol.close_code == 1007
    assert viewer.doorkeeper.refused == 2


PROBE = """
gsseg.channel.on("probe", "names", (names) => {
  const shown = names.map((name) => gsseg.element("b", { class: "probe", title: name }, name));
  document.body.append(...shown);
});
"""


def test_a_browser_talks_and_a_name_stays_a_text(balls: Any, open_viewer: Callable, open_tab: Callable, poll: Callable):
    """Both directions in a real browser; what looks like html is shown letter by letter and runs nothing."""
    tab, heard = open_tab(open_viewer(balls.document())), []
    name = "<img src=x onerror=\"window.ran = 1\"><script>window.ran = 1</script> & 'co'"
    tab.session.channel.listen("probe", heard.append)
    tab.page.evaluate(PROBE)
    tab.session.channel.tell("probe", "names", [name])
    poll("the name", lambda: tab.page.locator(".probe").count())
    assert tab.page.locator(".probe").text_content() == name
    assert tab.page.evaluate("document.querySelectorAll('.probe *').length") == 0
    tab.page.evaluate("gsseg.channel.tell('probe', 'act', { ids: [1, 2], numbers: [0.25], text: '<b>' })")
    poll("what the page asked", lambda: heard == [PartAsked("probe", "act", [1, 2], [0.25], "<b>")])
    assert tab.page.evaluate("window.ran") is None
