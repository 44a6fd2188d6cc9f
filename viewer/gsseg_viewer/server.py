"""The server: one document, one viser server on this machine, one `Session` for each browser.

Nothing is printed here and nothing leaves the machine (`gsseg_viewer.security`).
"""

import hashlib
import threading
from collections.abc import Sequence
from functools import partial

import viser
from websockets.asyncio.server import ServerConnection

from gsseg.errors import InputError
from gsseg.language.text import TextModel
from gsseg.scene import View
from gsseg_viewer.camera import Surroundings
from gsseg_viewer.commands import help_text, press, register
from gsseg_viewer.dialogs import offer_recovery
from gsseg_viewer.document import Document
from gsseg_viewer.incoming import Doorkeeper, PartAsked
from gsseg_viewer.judged import write_judged
from gsseg_viewer.latest import Latest
from gsseg_viewer.listening import listen_to_mouse
from gsseg_viewer.meaning import Meaning
from gsseg_viewer.page import served_page
from gsseg_viewer.panels import build_panels
from gsseg_viewer.panels.elements import plain
from gsseg_viewer.password import Gate
from gsseg_viewer.recall import Recall
from gsseg_viewer.security import address_of, client_of, safe_server
from gsseg_viewer.session import Session
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer.unsaved import Keeper

DRAW_AT_MOST = 2_000_000
"""Gaussians in one frame of a browser; graphics cards of some years ago still draw so many in a blink."""


class Viewer:
    """A running server; stops with `stop`, or as a context manager."""

    def __init__(
        self,
        server: viser.ViserServer,
        document: Document,
        views: Sequence[View],
        meaning: Meaning | None,
        doorkeeper: Doorkeeper,
    ) -> None:
        """Takes a server over; use `serve`."""
        self.document = document
        self.doorkeeper = doorkeeper
        """Counts the connections that were closed because of what they sent."""
        self._server = server
        self._views = views
        self._meaning = meaning
        self._surroundings = Surroundings.of(document.gaussians, self._views)
        self._splats = SplatNodes.of(document)
        self._lock = threading.Lock()
        self._sessions: dict[int, Session] = {}
        self._recovered = document.recovered
        self._keeper = Keeper(document.to_keep, self._not_kept)
        self._judged = document.shared.judged, document.run.source.judged_path
        self._judging = Latest()
        self._stop_keeping = document.listen(lambda change: self._keep())

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.get_port()

    @property
    def url(self) -> str:
        """What to open in a browser on this machine."""
        host = self._server.get_host()
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{shown}:{self.port}"

    @property
    def sessions(self) -> list[Session]:
        """The browsers that are connected, in the order they came."""
        with self._lock:
            return [self._sessions[each] for each in sorted(self._sessions)]

    def stop(self) -> None:
        """Ends all sessions and the server; nothing happens where it has ended."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.close()
        self._stop_keeping()
        self._keeper.wait()
        self._judging.wait()
        self._server.stop()

    @property
    def not_kept(self) -> str:
        """Why edits that are not saved are lost when the process ends; empty where they are kept."""
        return self._keeper.problem

    def _keep(self) -> None:
        self._keeper.keep()
        self._judging.do(self._keep_judged)

    def _keep_judged(self) -> None:
        document = self.document
        judged, path = document.shared.judged, document.run.source.judged_path
        if document.shared.read_only or (judged, path) == self._judged:
            return
        try:
            write_judged(document.run, judged)
            self._judged = judged, path
        except InputError as error:
            for session in self.sessions:
                session.tell("Locks and judgements are not kept", str(error), "yellow")

    def _not_kept(self, problem: str) -> None:
        for session in self.sessions:
            session.tell("Edits are not kept until they are saved", problem, "yellow")

    def _open(self) -> None:
        """Lets browsers in."""
        start, server = self._surroundings.start, self._server
        server.scene.set_up_direction(tuple(self._surroundings.up.tolist()))
        server.initial_camera.position = start.position
        server.initial_camera.look_at = start.look_at
        server.initial_camera.up = start.up
        server.initial_camera.fov = start.fov
        server.initial_camera.near = self._surroundings.near
        server.initial_camera.far = self._surroundings.far
        self.doorkeeper.deliver = self._deliver
        server.on_client_connect(self._connect)
        server.on_client_disconnect(self._disconnect)

    def _connect(self, client: viser.ClientHandle) -> None:
        recall = Recall.of(address_of(self._server, client.client_id))
        session = Session(client, self.document, self._splats, self._surroundings, self._views, self._meaning, recall)
        with self._lock:
            self._sessions[client.client_id] = session
        build_panels(session, help_text(), press)
        register(session)
        listen_to_mouse(session)
        session.start()
        with self._lock:
            notice, self._recovered = self._recovered, ""
        if notice:
            session.enqueue(lambda: offer_recovery(session, notice))
        if self.document.lost:
            session.tell("Earlier edits", self.document.lost, "yellow")
        if client.client_id not in self._server.get_clients():
            self._disconnect(client)

    def _deliver(self, connection: ServerConnection, asked: PartAsked) -> None:
        client_id = client_of(self._server, connection)
        session = None if client_id is None else self._sessions.get(client_id)
        if session is not None:
            session.enqueue(lambda: session.channel.hear(asked))

    def _disconnect(self, client: viser.ClientHandle) -> None:
        with self._lock:
            session = self._sessions.pop(client.client_id, None)
        if session is not None:
            session.close()


def serve(
    document: Document,
    views: Sequence[View] = (),
    host: str = "127.0.0.1",
    port: int = 8080,
    allowed_hosts: Sequence[str] = (),
    clip: TextModel | None = None,
    password: str | None = None,
    draw_at_most: int = DRAW_AT_MOST,
) -> Viewer:
    """Serves a document to browsers until it is stopped; returns at once.

    ``views``: those that the run was trained on, to jump to; ``port`` 0 takes a free one. ``host`` other than the
    default opens the server to the network, and browsers may call it by ``allowed_hosts`` too. ``clip``: finds objects
    by what words mean, in the language vectors of the document. ``password``: asked of every browser.
    ``draw_at_most``: Gaussians in one frame of a browser, which draws fewer where it is slow; 0 for all. InputError
    where the port is taken (`gsseg_viewer.security.safe_server`), and where there is a model and there are no vectors
    of it.
    """
    meaning = None if clip is None else Meaning.of(document.run, clip)
    doorkeeper, name = Doorkeeper(), plain(document.run.path.resolve().name)
    # What a browser remembers of one scene means nothing in another that is served at the same address later.
    scene = f"{document.run.path.resolve()} {len(document.gaussians)}".encode("utf-8", "replace")
    mend = partial(served_page, name=name, key=hashlib.sha256(scene).hexdigest()[:16], draw_at_most=draw_at_most)
    server = safe_server(
        host, port, name, allowed_hosts, mend, doorkeeper, None if password is None else Gate(password)
    )
    viewer = Viewer(server, document, views, meaning, doorkeeper)
    viewer._open()
    return viewer
