"""Sessions without a browser: what they show, say and look from is recorded."""

import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
from gsseg_viewer import colors
from gsseg_viewer.camera import Surroundings
from gsseg_viewer.session import Session

FRONT = np.array([0.0, -5.0, 0.0])


class Message:
    """A notification, as it was shown, and whether it still is."""

    def __init__(self, title: str, body: str, **options: Any) -> None:
        self.title, self.body, self.options, self.shown = title, body, options, True

    def remove(self) -> None:
        assert self.shown, "removed twice"
        self.shown = False


class FakeClient:
    """Records what is shown in a browser that is not there."""

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self.camera = SimpleNamespace(
            position=FRONT, wxyz=np.array([0.5**0.5, -(0.5**0.5), 0.0, 0.0]), fov=0.9, look_at=np.zeros(3),
            image_width=600, image_height=400, up_direction=np.array([0.0, 0.0, 1.0]),
            min_orbit_distance=0.0, max_orbit_distance=1.0,
        )  # fmt: skip
        self.messages: list[Message] = []
        buffer = SimpleNamespace(sanctioned_dead_writes=nullcontext)
        self._websock_connection = SimpleNamespace(get_message_buffer=lambda: buffer)

    def atomic(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add_notification(self, title: str, body: str, **options: Any) -> Message:
        self.messages.append(Message(title, body, **options))
        return self.messages[-1]

    @property
    def said(self) -> list[str]:
        """Title and body of every message so far."""
        return [f"{each.title}: {each.body}".rstrip(": ") for each in self.messages]


class FakeSplats:
    """Records every repaint, and can be held up in the middle of one."""

    def __init__(self) -> None:
        self.painted: list[tuple[np.ndarray, np.ndarray]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def show(self, client: FakeClient, rgb: np.ndarray, alphas: np.ndarray) -> "FakeSplats":
        self.recolor(rgb, alphas)
        return self

    def recolor(self, rgb: np.ndarray, alphas: np.ndarray) -> None:
        self.painted.append((rgb.copy(), alphas.copy()))
        assert self.go_on.wait(20)


class FakePanel:
    """Counts, and remembers what there was to be seen."""

    def __init__(self, watched: Session) -> None:
        self.watched, self.seen = watched, []

    def refresh(self) -> None:
        self.seen.append((self.watched.selection, self.watched.document.state))


class Stage:
    """Sessions of fake browsers at one document."""

    def __init__(self, balls: Any) -> None:
        self.document = balls.document()
        self.views = balls.views()
        self.surroundings = Surroundings.of(self.document.gaussians, self.views)
        self.sessions: list[Session] = []

    def enter(self, views: bool = True) -> Session:
        """One more browser; `splats` and `panel` of it are found at the session."""
        fake: Any = FakeClient(len(self.sessions))
        splats: Any = FakeSplats()
        made = Session(fake, self.document, splats, self.surroundings, self.views if views else [])
        made.panels.append(FakePanel(made))
        self.sessions.append(made)
        made.start()
        settle(made)
        return made

    def close(self) -> None:
        """Ends all sessions, also those that hang in a repaint."""
        for each in self.sessions:
            each._nodes.go_on.set()
            each.close()


def settle(which: Session) -> None:
    """Waits until the queue is empty, and with it all repaints that were due."""
    for _ in range(3):
        done = threading.Event()
        which.enqueue(done.set)
        assert done.wait(20)


def painted_right(which: Session) -> bool:
    """Whether the last repaint is of what the session holds now."""
    rgb, alphas = which._nodes.painted[-1]
    state = which.document.state
    wanted = colors.colors(which.document, state, which.coloring, which.selection)
    return np.array_equal(rgb, wanted) and np.array_equal(alphas, colors.alphas(which.document, state))


def objects(which: Session) -> list[int]:
    """Ids of what is selected."""
    return which.selection.objects(which.document.state)


def at(balls: Any, ball: int) -> tuple[np.ndarray, np.ndarray]:
    """A ray from the front through a ball's centre."""
    return FRONT, balls.centres[ball] - FRONT
