"""The channel to the page's own parts: what viser has no widget for, such as a list of hundreds of objects or a lasso.

A *part* is a piece of plain JavaScript in `web/`, known by a name that it shares with a panel here. The two talk over
viser's connection, in two types of message:

    page -> session   `PartAsked` of `gsseg_viewer.incoming`, checked before anybody sees it; one that is wrong ends the
                      connection. ``gsseg.channel.tell(part, action, {ids, numbers, text})`` sends it, and the function
                      given to `Channel.listen` gets it, on the session's queue, behind the clicks that came before.
    session -> page   `PartTold`, sent by `Channel.tell`, heard by ``gsseg.channel.on(part, topic, listener)``.

What is told is data: numbers, texts, lists, tables, arrays (a typed array there), bytes. Nothing of it is ever html, in
either direction: `web/channel.js` builds elements from text alone. A topic is a state and no event: of two contents of
one topic the browser may get the newer one only, so each says all that there is to say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import viser
from viser import _messages

from gsseg_viewer.edits import EditError
from gsseg_viewer.incoming import PartAsked

Hear = Callable[[PartAsked], object]


@dataclass
class PartTold(_messages.Message, include_in_scene_serialization=False):
    """What a part of the page is told; never reaches viser's client, because `web/channel.js` takes it out before."""

    part: str
    """Who is to hear it."""
    topic: str
    """What it is about; a newer content takes the place of an older one."""
    content: Any
    """Numbers, texts, lists, dicts of them, arrays."""

    def redundancy_key(self) -> str:
        """Of messages with the same key viser sends the newest, where the older has not gone yet."""
        return f"{type(self).__name__}_{self.part}_{self.topic}"


class Channel:
    """One browser's end; may be used from any thread."""

    def __init__(self, client: viser.ClientHandle) -> None:
        """Nobody listens yet."""
        self._client = client
        self._parts: dict[str, Hear] = {}

    def listen(self, part: str, hear: Hear) -> None:
        """From now on ``hear`` gets what a part of the page asks for; it raises `EditError` for what makes no sense."""
        self._parts[part] = hear

    def hear(self, asked: PartAsked) -> None:
        """Does what the page asks for; `EditError` where no such part is there."""
        if asked.part not in self._parts:
            raise EditError("the page asked for something that is not there")
        self._parts[asked.part](asked)

    def tell(self, part: str, topic: str, content: Any) -> None:
        """Tells a part of the page all that there is to say of a topic."""
        self._client._websock_connection.queue_message(PartTold(part, topic, _sendable(content)))


def _sendable(content: Any) -> Any:
    """The content without halves of letters, which names from files may have and which would end the connection."""
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    if isinstance(content, dict):
        return {_sendable(key): _sendable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_sendable(each) for each in content]
    return content
