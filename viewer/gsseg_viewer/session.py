"""One browser at one document: what this person has selected, how it is coloured, where they look from.

viser answers every event on another thread, in no order. A session has one queue with one thread: clicks and keys are
put on it as they arrive, so they happen in their order; what must be shown again is put on it at most once, so a burst
of fifty clicks costs fifty picks and a few repaints. The lock guards the few fields and is never held while picking,
painting or sending.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Protocol

import viser
from jaxtyping import UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.scene import View
from gsseg_viewer import camera, sections, selection
from gsseg_viewer.camera import Surroundings
from gsseg_viewer.channel import Channel
from gsseg_viewer.colors import Coloring, colorings_of
from gsseg_viewer.document import Change, Document, Edit
from gsseg_viewer.edits import EditError
from gsseg_viewer.guides.guide import Guide
from gsseg_viewer.meaning import Meaning
from gsseg_viewer.messages import Messages
from gsseg_viewer.painting import Preview, painted
from gsseg_viewer.people import People
from gsseg_viewer.recall import Recall
from gsseg_viewer.recent import Recent
from gsseg_viewer.regained import Regained
from gsseg_viewer.saving import save
from gsseg_viewer.sections import Section
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.splats import ClientSplats, SplatNodes
from gsseg_viewer.text import sentence
from gsseg_viewer.tools import Settings
from gsseg_viewer.work import Work

_LOG = logging.getLogger("gsseg_viewer")


class Panel(Protocol):
    """A part of the side panel."""

    def refresh(self) -> None:
        """Shows the session's present selection, colouring and document; called from the session's thread."""
        ...


class Session:
    """What one browser sees; its methods may be called from any thread."""

    def __init__(
        self,
        client: viser.ClientHandle,
        document: Document,
        nodes: SplatNodes,
        surroundings: Surroundings,
        views: Sequence[View] = (),
        meaning: Meaning | None = None,
        recall: Recall | None = None,
    ) -> None:
        """Shows nothing yet; see `start`. ``recall``: what the browser remembers of an earlier session."""
        self.client = client
        self.document = document
        self.views = list(views)
        self.meaning = meaning
        """Finds objects by words, where there are language vectors and a model for them."""
        self.surroundings = surroundings
        self.recall = recall or Recall()
        earlier = self.recall.session
        self._selection, self._pieces = self.recall.selection(document), len(document.division)
        self.only_seen = False
        """Whether what is drawn on the screen takes what is seen, and not what stands behind it too."""
        self.tools = Settings()
        """Which tool is in hand, and how it is set."""
        self.section: Section | None = None
        """What alone is drawn of the scene, or all of it."""
        self.work = Work()
        """What the tools are in the middle of."""
        opening: Coloring = "object" if document.state.objects else "photo"
        known = earlier is not None and earlier.coloring in colorings_of(document)
        self.coloring: Coloring = earlier.coloring if earlier is not None and known else opening
        self.dark = earlier is None or earlier.dark
        """Whether the page is dark."""
        self.view: int | None = None
        """The training view that was jumped to last."""
        self.panels: list[Panel] = []
        self.preview: Preview | None = None
        """Shown over the colours until it is None again."""
        self.pointed: int | None = None
        """The object that the pointer is on in the list: it is lit."""
        self.guide: Guide | None = None
        """What leads through many small decisions now; it has the first word on every key."""
        self.messages = Messages(client)
        self.channel = Channel(client)
        """To the parts of the page that are ours."""
        self._nodes = nodes
        self._splats: ClientSplats | None = None
        self._lock = threading.RLock()
        self._queue = ThreadPoolExecutor(1, thread_name_prefix=f"session-{client.client_id}")
        self._stale = self._closed = False
        self._state = document.state
        self._regained, self._recent = Regained(), Recent()
        # A browser may go away while something is sent: no warning. Entered for good, so it must be kept.
        self._unheard = client._websock_connection.get_message_buffer().sanctioned_dead_writes()
        self._unheard.__enter__()
        self._stop_listening = document.listen(self._changed)

    def start(self) -> None:
        """Sends the splats; only then anything else is shown."""
        self.surroundings.limit(self.client.camera)
        self.move_camera(self.recall.pose or self.surroundings.start)  # first, so that nothing is drawn from elsewhere
        self.enqueue(self._begin)

    def close(self) -> None:
        """The browser is gone: nothing is sent or kept any more."""
        self._stop_listening()
        People.of(self.document).leave(self.client.client_id)
        with self._lock:
            self._closed = True
        self.messages.close()
        self._queue.shutdown(wait=False, cancel_futures=True)

    @property
    def closed(self) -> bool:
        """Whether the browser is gone."""
        return self._closed

    def enqueue(self, job: Callable[[], object]) -> None:
        """Does something soon, after all that was asked for before; never blocks, so the event loop may call it."""
        with self._lock:
            if not self._closed:
                self._queue.submit(self.attempt, job)

    def attempt(self, job: Callable[[], object]) -> None:
        """Does something now; what fails is told to the person, and raises nothing."""
        try:
            job()
        except EditError as error:
            self.tell("Not done", sentence(str(error)), color="yellow")
        except (InputError, OSError) as error:
            self.tell("That failed", str(error), color="red")
        except Exception as error:
            _LOG.exception("in the session of client %d", self.client.client_id)
            self.tell("That failed", f"{type(error).__name__}: {error}", color="red")

    # What is selected and how it looks.

    @property
    def selection(self) -> PieceSelection:
        """What is selected. Pieces may be cut by whoever looks at the scene: all that was cut from one is still in."""
        with self._lock:
            division = self.document.division
            if self._pieces < len(division):
                self._selection = self._selection.followed(division, self._pieces)
                self._pieces = len(division)
            return self._selection

    def select(self, chosen: PieceSelection) -> None:
        """Makes this the selection."""
        self.reselect(lambda before: chosen)

    def reselect(self, change: Callable[[PieceSelection], PieceSelection]) -> None:
        """Makes the selection what a function makes of the present one; two at once lose nothing."""
        with self._lock:
            before = self.selection
            self._selection = change(before)
            self._recent.replaced(before, self._selection, self._pieces)
        self.refresh()

    def step_selection(self, back: bool) -> None:
        """Selects what was selected before, or again what was after it; `EditError` where there is nothing."""
        document = self.document
        with self._lock:
            found = self._recent.step(self.selection, document.division, document.state, back)
            if found is not None:
                self._selection = found
        if found is None:
            raise EditError(f"nothing else was selected {'before' if back else 'after it'}")
        self.refresh()

    def clear(self) -> None:
        """Selects nothing."""
        self.reselect(selection.cleared)

    def color_by(self, coloring: Coloring) -> None:
        """Colours the splats by something else."""
        with self._lock:
            self.coloring = coloring
        self.refresh()

    def follow(self, begin: Callable[["Session"], Guide] | None) -> None:
        """Ends the guide that leads now and begins another, or none; from the session's queue."""
        earlier, self.guide = self.guide, None
        if earlier is not None:
            earlier.end()
        self.refresh()
        if begin is not None:
            self.guide = begin(self)

    def show_over(self, preview: Preview | None) -> None:
        """Shows something over the colours, or nothing any more."""
        with self._lock:
            self.preview = preview
        self.refresh()

    def point_at(self, object_id: int | None) -> None:
        """Lights an object, without selecting it."""
        with self._lock:
            if object_id == self.pointed:
                return
            self.pointed = object_id
        self.refresh()

    def refresh(self) -> None:
        """Shows everything as it is now, soon; calls that come faster than it is shown are as one."""
        with self._lock:
            if self._stale or self._closed:
                return
            self._stale = True
            self.enqueue(self._show)

    # Edits, which all clients share.

    def edit(self, title: str, change: Edit) -> bool:
        """Makes an edit and returns whether it could be made; where not, says why."""
        return self._try(lambda: self.document.apply(title, change, self.client.client_id))

    def undo(self) -> bool:
        """Takes the last edit back that this person made, or somebody who has gone."""
        present = People.of(self.document).present
        return self._try(lambda: self.document.undo(by=self.client.client_id, present=present))

    def undo_any(self) -> bool:
        """Takes the last edit back, whoever made it."""
        return self._try(lambda: self.document.undo(by=self.client.client_id))

    def redo(self) -> bool:
        """Makes the edit again that was undone last."""
        return self._try(lambda: self.document.redo(by=self.client.client_id))

    def save(self) -> bool:
        """Writes the document to its run and says where."""
        try:
            with self.working("Saving"):
                path = save(self.document, by=self.client.client_id)
        except (InputError, EditError) as error:
            self.tell("Not saved", str(error), color="red")
            return False
        self.tell("Saved", str(path), color="green")
        return True

    # The camera.

    def move_camera(self, pose: camera.Pose) -> None:
        """Puts the camera there; nothing happens once the browser is gone."""
        with self._lock:
            if not self._closed:
                with self.client.atomic():
                    camera.move(self.client.camera, pose)

    # What is said.

    def tell(self, title: str, body: str = "", color: Any = None, seconds: float = 6.0) -> None:
        """Shows a message for some seconds; of many in a row only the last few stay."""
        self.messages.tell(title, body, color, seconds)

    def working(self, title: str) -> AbstractContextManager[Callable[[str], None]]:
        """Shows that something is being done, if it takes a while; yields a function that says how far it is."""
        return self.messages.working(title)

    # Inside.

    def _try(self, edit: Callable[[], object]) -> bool:
        try:
            edit()
        except EditError as error:
            self.tell("Not done", sentence(str(error)), color="yellow")
            return False
        return True

    def _changed(self, change: Change) -> None:
        """The document is another one, by whomever: what has vanished is no longer selected."""
        with self._lock:
            if self._closed:
                return
            state = self.document.state  # under the lock: of two changes at once the newer is compared last
            earlier, self._state = self._state, state
            self._selection = self._regained.after(self.document.division, earlier, state, self.selection)
        if change.by != self.client.client_id:
            who = People.of(self.document).get(change.by)
            name = "Somebody else" if who is None else sentence(who.name)
            self.tell(f"{name} changed the scene", sentence(change.title), color="blue")
        elif change.title != "saved":  # of which `save` says more
            self.tell(sentence(change.title), color="green", seconds=3.0)
        self.refresh()

    def _begin(self) -> None:
        self._splats = self._nodes.show(self.client, *self._painted())
        self.refresh()

    def _show(self) -> None:
        with self._lock:
            self._stale = False
        if self._splats is None:
            return
        self._splats.recolor(*self._painted())
        for panel in list(self.panels):
            if not self._closed:
                panel.refresh()

    def _painted(self) -> tuple[UInt8[ndarray, "gaussians 3"], UInt8[ndarray, " gaussians"]]:
        """Colours and opacities as they should be now."""
        with self._lock:
            chosen, coloring, state = self.selection, self.coloring, self.document.state
            over, pointed, section = self.preview, self.pointed, self.section
        rgb, alphas = painted(self.document, state, coloring, chosen, over, pointed)
        return rgb, alphas * sections.inside(self.document, section)
