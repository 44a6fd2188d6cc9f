"""What a browser is told outside its panels: short messages, progress of slow work, one window before everything."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import viser

SHOWN = 3
"""Messages that are on the screen at once."""

PATIENCE = 0.7
"""Seconds after which something that is still being done says so."""


class Messages:
    """The messages of one browser; may be used from any thread, and is silent once closed."""

    def __init__(self, client: viser.ClientHandle) -> None:
        """Shows nothing yet."""
        self._client = client
        self._lock = threading.RLock()
        self._shown: deque[viser.NotificationHandle] = deque()
        self._dialog: Any = None
        self._closed = False

    def close(self) -> None:
        """The browser is gone."""
        with self._lock:
            self._closed = True

    def tell(self, title: str, body: str = "", color: Any = None, seconds: float = 6.0) -> None:
        """Shows a message for some seconds; of many in a row only the last few stay."""
        with self._lock:
            if self._closed:
                return
            title, body = (text.encode("utf-8", "replace").decode() for text in (title, body))  # paths may be no text
            self._shown.append(self._client.add_notification(title, body, auto_close_seconds=seconds, color=color))
            gone = self._shown.popleft() if len(self._shown) > SHOWN else None
        if gone is not None:
            gone.remove()

    @contextmanager
    def working(self, title: str) -> Iterator[Callable[[str], None]]:
        """Shows that something is being done, if it takes a while; yields a function that says how far it is."""
        shown: list[viser.NotificationHandle] = []
        done = threading.Event()
        progress = ""

        def show() -> None:
            with self._lock:
                if not self._closed and not done.is_set():
                    shown.append(self._client.add_notification(title, progress, loading=True, with_close_button=False))

        def say(body: str) -> None:
            nonlocal progress
            with self._lock:
                progress = body
                if shown and not self._closed:
                    shown[0].body = body

        timer = threading.Timer(PATIENCE, show)
        timer.daemon = True
        timer.start()
        try:
            yield say
        finally:
            timer.cancel()
            with self._lock:
                done.set()
            for message in shown:
                message.remove()

    def open_dialog(self, title: str) -> AbstractContextManager[object]:
        """Opens a window before everything else, to be filled as a context; an earlier one is closed."""
        self.close_dialog()
        dialog = self._client.gui.add_modal(title)
        with self._lock:
            self._dialog = dialog
        return dialog

    def close_dialog(self) -> bool:
        """Closes the window that `open_dialog` opened; False where there is none."""
        with self._lock:
            dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.close()
        return dialog is not None
