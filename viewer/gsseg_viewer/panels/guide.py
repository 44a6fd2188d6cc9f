"""The bar at the foot of the page: what a guide says, the keys that the page itself takes, and a peek at the photo."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from gsseg_viewer.edits import EditError
from gsseg_viewer.guides.guide import Saying
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.looking import nearest_view, photo
from gsseg_viewer.panels.elements import plain
from gsseg_viewer.session import Session

LONGEST_KEY = 20
"""Letters."""


class GuidePanel:
    """The session's end of `web/guide.js` and `web/keys.js`."""

    def __init__(self, session: Session, press: Callable[[Session, str], object]) -> None:
        """Builds nothing: the page has the bar from its start. ``press``: does what a key stands for."""
        self.session = session
        self._press = press
        self._told: dict[str, Any] | None = {}
        self._peeked: int | None = None
        session.channel.listen("guide", self._heard)

    def refresh(self) -> None:
        """Says what there is to decide now; a guide that has nothing left is over."""
        session = self.session
        saying = None if session.guide is None else session.guide.saying()
        if session.guide is not None and saying is None:
            session.follow(None)
        told = None if saying is None else _packed(saying)
        if told != self._told:
            self._told = told
            session.channel.tell("guide", "saying", told)

    def _heard(self, asked: PartAsked) -> None:
        session = self.session
        if asked.action == "press" and 0 < len(asked.text) <= LONGEST_KEY:
            self._press(session, asked.text)
        elif asked.action == "typed" and session.guide is not None:
            session.guide.typed(asked.text)
            session.refresh()
        elif asked.action == "peek":
            self._peek()
        else:
            raise EditError("the bar asked for something that is not there")

    def _peek(self) -> None:
        session = self.session
        at = nearest_view(session)
        if at is None:
            raise EditError("there are no photos at hand")
        if at != self._peeked:
            view = session.views[at]
            content = {"name": plain(view.name, 60), "picture": photo(view)}
            self._peeked = at
            session.channel.tell("guide", "photo", content)


def _packed(saying: Saying) -> dict[str, Any]:
    """What the page is told."""
    told = asdict(saying)
    for each in told["choices"]:
        each["color"] = -1 if each["color"] is None else _number(each["color"])
    told["things"] = [{"id": each, "color": _number(color)} for each, color in saying.things]
    return told


def _number(color: tuple[int, int, int]) -> int:
    red, green, blue = color
    return red << 16 | green << 8 | blue
