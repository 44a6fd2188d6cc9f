"""Viser's own widgets with a connection that records what would be sent and replays what a browser sends."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import viser
from gsseg_viewer.camera import Pose, Surroundings
from gsseg_viewer.commands import press
from gsseg_viewer.document import Document
from gsseg_viewer.panels import build_panels
from gsseg_viewer.selection import of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer_test_stage import FRONT
from viser._messages import GuiFormSubmitMessage, GuiUpdateMessage
from viser.infra._infra import WebsockMessageHandler


class AtOnce:
    """Runs what viser gives to its threads."""

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future:
        done: Future = Future()
        done.set_result(call(*arguments))
        return done


class Recorder(WebsockMessageHandler):
    """A browser's connection: keeps every message."""

    client_id = 7
    done = False

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []

    def get_message_buffer(self) -> Any:
        return self

    def push(self, message: Any) -> None:
        self.sent.append(message)

    @contextmanager
    def sanctioned_dead_writes(self) -> Iterator[None]:
        yield

    def remove_entity_state_from_buffer(self, *_: Any) -> None:
        """viser lets go of what it sent of a node before."""

    def atomic_start(self) -> None: ...

    def atomic_end(self) -> None: ...


class Desk:
    """A session with its panels, and a browser that can be made to send anything."""

    def __init__(self, document: Document, views: list[Any] | None = None, meaning: Any = None) -> None:
        self.connection = Recorder()
        server: Any = SimpleNamespace(
            _thread_executor=AtOnce(),
            _event_loop=asyncio.new_event_loop(),
            _scene_lifecycle_lock=threading.RLock(),
            gui=SimpleNamespace(_container_handle_from_uuid={}),
        )
        self.loop = server._event_loop
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.client = viser.ClientHandle(self.connection, server)  # pyright: ignore[reportArgumentType]
        self.told: list[tuple[str, str]] = []
        self.poses: list[Pose] = []
        self.resize(400, 300)
        self.downloads: list[tuple[str, bytes]] = []
        surroundings = Surroundings.of(document.gaussians, [])
        self.session = Session(self.client, document, SplatNodes.of(document), surroundings, views or [], meaning)
        self.session.tell = lambda title, body="", color=None, seconds=0.0: self.told.append((title, body))
        self.session.move_camera = self.poses.append
        self.client.send_file_download = lambda name, content, **_: self.downloads.append((name, content))
        build_panels(self.session, "keys", press)
        self.session._show = lambda: [panel.refresh() for panel in self._fresh()]  # panels only, no splats
        self.session.refresh()
        self.settle()

    def _fresh(self) -> list[Any]:
        self.session._stale = False
        return self.session.panels

    def close(self) -> None:
        self.settle()
        self.session.close()
        asyncio.run_coroutine_threadsafe(_all_done(), self.loop).result(timeout=20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def panel(self, kind: type) -> Any:
        return next(each for each in self.session.panels if isinstance(each, kind))

    def press(self, key: str) -> None:
        """What the browser does when a person presses a key, as the help writes it."""
        self.session.enqueue(lambda: press(self.session, key))
        self.settle()

    def send(self, widget: Any, value: Any = True) -> None:
        """What the browser does when a person clicks or types: a value for a widget."""
        message = GuiUpdateMessage(widget._impl.uuid, {"value": value})
        handled = self.client.gui._handle_gui_updates(7, message)
        asyncio.run_coroutine_threadsafe(handled, self.loop).result(timeout=20)
        self.settle()

    def submit(self, form: Any) -> None:
        """What the browser does when a person presses Enter in a form, or leaves it."""
        handled = self.client.gui._handle_gui_form_submit(7, GuiFormSubmitMessage(form._impl.uuid))
        asyncio.run_coroutine_threadsafe(handled, self.loop).result(timeout=20)
        self.settle()

    def settle(self) -> None:
        """Until the session has done all it was asked for, and what that asked for."""
        for _ in range(3):
            self.session._queue.submit(lambda: None).result(timeout=20)

    def resize(self, width: int, height: int) -> None:
        """What a camera message of the browser does: its screen is so large, and it looks at the origin from FRONT."""
        self.client.camera._state = replace(
            self.client.camera._state, position=FRONT, wxyz=np.array([0.5**0.5, -(0.5**0.5), 0.0, 0.0]), fov=1.0,
            image_width=width, image_height=height, up_direction=np.array([0.0, 0.0, 1.0]), update_timestamp=1.0,
        )  # fmt: skip

    def updates(self) -> list[dict[str, Any]]:
        return [each.updates for each in self.connection.sent if isinstance(each, GuiUpdateMessage)]

    def select(self, *ids: int) -> None:
        document = self.session.document
        self.session.select(of_objects(self.session.selection, document.state, list(ids)))
        self.settle()


async def _all_done() -> None:
    """Until whatever viser was given to do is done: handlers of values that the session itself has set."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
