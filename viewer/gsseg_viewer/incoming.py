"""What browsers send, checked before anybody sees it.

viser 1.1.1 takes any message of any of its types, sets whatever property of an element the message names, and prints a
traceback for each that it cannot take. Here a message is one of the few that the viewer's page sends, with the fields,
types and ranges that it sends them with:

    one of viser's few          -> goes on to viser
    `PartAsked`, which is ours  -> goes to the session (`gsseg_viewer.channel`) and not to viser
    another type of viser's     -> goes nowhere
    anything else               -> its connection is closed, and counted; nothing is printed
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta
from websockets.asyncio.server import ServerConnection

LARGEST = 1 << 20
"""Bytes of a message; a larger one ends its connection while it is being received."""

LETTERS = 100_000
"""Of a text that was typed."""

FAR = 1e12
"""Beyond this a coordinate, in world units, is none: squares of it are still far from the end of single precision."""

Coordinate = Annotated[float, Meta(ge=-FAR, le=FAR)]
Point = tuple[Coordinate, Coordinate, Coordinate]
Name = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=LETTERS)]
Share = Annotated[float, Meta(ge=-10, le=10)]
Pixels = Annotated[int, Meta(ge=0, le=1 << 15)]
Unit = Annotated[float, Meta(ge=-1.01, le=1.01)]


Word = Annotated[str, Meta(max_length=40)]
Id = Annotated[int, Meta(ge=-1, lt=2**31)]


class _Message(msgspec.Struct, tag_field="type", forbid_unknown_fields=True):
    """Fields have viser's names, which are what is on the wire."""


class ViewerCameraMessage(_Message, tag=True):
    """Where the browser looks from."""

    wxyz: tuple[Unit, Unit, Unit, Unit]
    position: Point
    fov: Annotated[float, Meta(gt=0, lt=math.pi)]
    near: Annotated[float, Meta(ge=0)]
    far: Annotated[float, Meta(gt=0)]
    image_width: Pixels
    image_height: Pixels
    look_at: Point
    up_direction: Point


class _Value(msgspec.Struct, forbid_unknown_fields=True):
    value: bool | int | float | Text


class GuiUpdateMessage(_Message, tag=True):
    """A value for an element of the panel, and for no other property of it."""

    uuid: Name
    updates: _Value


class CommandTriggerMessage(_Message, tag=True):
    """A command of the palette, or its key."""

    uuid: Name


class ScenePointerMessage(_Message, tag=True):
    """A click, or a rectangle."""

    event_type: Literal["click", "rect-select"]
    ray_origin: Point | None
    ray_direction: Point | None
    screen_pos: Annotated[list[tuple[Share, Share]], Meta(min_length=1, max_length=2)]
    modifier: Annotated[str, Meta(max_length=40)] | None


class GuiFormSubmitMessage(_Message, tag=True):
    """What was typed into a form is meant."""

    uuid: Name


class GuiFormDirtyMessage(_Message, tag=True):
    """Something was typed into a form."""

    uuid: Name


class TransformControlsUpdateMessage(_Message, tag=True):
    """A handle of a sphere or box was moved or turned."""

    name: Name
    wxyz: tuple[Unit, Unit, Unit, Unit]
    position: Point
    owner: Name = ""


class TransformControlsDragStartMessage(_Message, tag=True):
    """It was taken hold of."""

    name: Name
    owner: Name = ""


class TransformControlsDragEndMessage(_Message, tag=True):
    """It was let go."""

    name: Name
    owner: Name = ""


class PartAsked(_Message, tag=True):
    """What a part of the page that is ours asks of its session; what the lists hold is for the part to say."""

    part: Word
    """Which part."""
    action: Word
    """What is to be done."""
    ids: Annotated[list[Id], Meta(max_length=100_000)] = []
    """Of objects, or other whole numbers; -1 for none."""
    numbers: Annotated[list[Coordinate], Meta(max_length=50_000)] = []
    """Finite numbers, such as points of the screen one after the other."""
    text: Text = ""
    """What was typed."""


_KINDS = (
    ViewerCameraMessage,
    GuiUpdateMessage,
    CommandTriggerMessage,
    ScenePointerMessage,
    GuiFormSubmitMessage,
    GuiFormDirtyMessage,
    TransformControlsUpdateMessage,
    TransformControlsDragStartMessage,
    TransformControlsDragEndMessage,
    PartAsked,
)


class _Typed(msgspec.Struct):
    """Any message of viser's."""

    type: Name


_KNOWN, _TYPED = msgspec.msgpack.Decoder(Union[_KINDS]), msgspec.msgpack.Decoder(_Typed)  # noqa: UP007
_NAMES = frozenset(kind.__name__ for kind in _KINDS)


def meant(message: bytes | str) -> _Message | None:
    """What a message says; None for a type the viewer has no use for. ValueError for all that no page of the viewer
    sends."""
    if isinstance(message, str):
        raise ValueError("text")
    try:
        if _TYPED.decode(message).type not in _NAMES:
            return None
        known = _KNOWN.decode(message)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if isinstance(known, ViewerCameraMessage):
        _check_camera(known)
    if isinstance(known, GuiUpdateMessage):
        _check_value(known.updates.value)
    if isinstance(known, ScenePointerMessage):
        numbers = [*(known.ray_origin or ()), *(known.ray_direction or ()), *sum(known.screen_pos, ())]
        whole = known.event_type == "rect-select" or None not in (known.ray_origin, known.ray_direction)
        if not whole or len(known.screen_pos) != 1 + (known.event_type == "rect-select") or not _finite(numbers):
            raise ValueError("no click and no rectangle")
    if isinstance(known, TransformControlsUpdateMessage):
        length = sum(part * part for part in known.wxyz)
        if not _finite((*known.wxyz, *known.position)) or not 0.9 < length < 1.1:
            raise ValueError("no handle")
    if isinstance(known, PartAsked) and not _finite(known.numbers):
        raise ValueError("no number")
    return known


def _check_camera(camera: ViewerCameraMessage) -> None:
    numbers = (
        *camera.wxyz,
        *camera.position,
        *camera.look_at,
        *camera.up_direction,
        camera.fov,
        camera.near,
        camera.far,
    )
    length = sum(part * part for part in camera.wxyz)
    if not _finite(numbers) or not 0.9 < length < 1.1 or not any(camera.up_direction):
        raise ValueError("no camera")


def _check_value(value: bool | int | float | str) -> None:
    if not isinstance(value, str) and not (_finite([value]) and abs(value) <= FAR):
        raise ValueError("no number")


def _finite(numbers: Any) -> bool:
    return all(map(math.isfinite, numbers))


class Doorkeeper:
    """Checks what the connections of one server bring, and counts those it has closed."""

    def __init__(self) -> None:
        """Nobody has come yet."""
        self.refused = 0
        """Connections that were closed because of what they sent."""
        self.deliver: Callable[[ServerConnection, PartAsked], object] = lambda connection, asked: None
        """Gets what the page's own parts ask for; on viser's event loop, so it must not block."""

    def watch(self, connection: ServerConnection) -> None:
        """From now on viser receives from a connection only what is `meant` for it."""
        receive = connection.recv

        async def checked(*_: Any, **__: Any) -> Any:
            while True:
                message = await receive()
                try:
                    known = meant(message)
                except ValueError:
                    self.refused += 1
                    await connection.close(1007, "not a message of this viewer")
                    # Receiving now says what viser knows how to take: that the connection is closed.
                    return await receive()
                if isinstance(known, PartAsked):
                    self.deliver(connection, known)
                elif known is not None:
                    return message

        connection.recv = checked
