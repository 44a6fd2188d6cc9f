"""Training views: jump to one, see its photo, its masks, and how well the splats match the photo.

The splats are drawn by gsseg's own renderer and not by the browser: with the camera of the photo, whose middle need not
be the picture's, in the colours that were trained, and without what is hidden or deleted.
"""

from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.export.pictures import BACKDROP, fitted, labels_picture, photo_of, strip
from gsseg.files.shell import command_line
from gsseg.render import render_map
from gsseg.scene import Gaussians, View
from gsseg.scene.sh import seen_colors
from gsseg_viewer.edits import EditError
from gsseg_viewer.exporting import over
from gsseg_viewer.latest import Latest
from gsseg_viewer.moving import go_to, step_view
from gsseg_viewer.panels.elements import block, chosen, code, dim, handler, plain
from gsseg_viewer.session import Session
from gsseg_viewer.state import State
from gsseg_viewer.text import escaped

Show = Literal["photo", "splats", "side by side", "wipe", "masks"]
SHOWS: tuple[Show, ...] = get_args(Show)

STEPS = ("◀ prev", "again", "next ▶")
SIDE = 512
"""Pixels of the longer side of what is shown."""
NAMED = 500
"""Views that a menu lists; more are chosen by number."""
KEPT = 6
"""Drawn views that are kept."""

Picture = UInt8[ndarray, "height width 3"]


class ViewsPanel:
    """Chooses a training view and shows it."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        self.pictures: dict[tuple[int, bytes], Picture] = {}
        self.shown: tuple[int, bytes] | None = None
        self.drawing = Latest()
        gui = session.client.gui
        if not session.views:
            gui.add_html(block(dim("The scene of these splats is not at hand, so there are no photos.")))
            words = ["gsseg", "view", "-m", str(session.document.run.source.opened.resolve())]
            gui.add_html(block(f"Start with it: {code(command_line([*words, '-s', 'SCENE']))}"))
            return
        # Two photos of one name in two folders would be one entry of the menu: the number tells them apart.
        self.names = tuple(f"{number}: {plain(view.name, 40)}" for number, view in enumerate(session.views, 1))
        self.view: Any
        if len(self.names) <= NAMED:
            self.view = gui.add_dropdown("View", self.names)
        else:
            self.view = gui.add_slider("View", 1, len(self.names), 1, 1)
        self.steps = gui.add_button_group("Go", STEPS)
        self.show = gui.add_dropdown("Show", SHOWS)
        self.wipe = gui.add_slider("Wipe", 0, 100, 1, 50, hint="Photo on the left, splats on the right.", visible=False)
        self.image = gui.add_image(np.zeros((2, 2, 3), np.uint8), visible=False)
        self.note = gui.add_html(block(dim("Choose a view, and the camera jumps to it.")))
        self.view.on_update(handler(session, lambda value: go_to(session, session.views[self._index(value)])))
        self.steps.on_click(handler(session, self._step))
        self.show.on_update(handler(session, lambda _: self._draw_soon()))
        self.wipe.on_update(handler(session, lambda _: self._draw_soon()))

    def refresh(self) -> None:
        """Follows the view that was jumped to, and what is hidden."""
        at = self.session.view
        if not self.session.views or at is None:
            return
        self.view.value = self.names[at] if isinstance(self.view.value, str) else at + 1
        now = (at, _drawn_pieces(self.session.document.state))
        if self.shown != now:
            self.shown = now
            self._draw_soon()

    def _index(self, value: Any) -> int:
        if value in self.names:
            return self.names.index(value)
        if isinstance(value, int | float) and 1 <= value <= len(self.names) and value == int(value):
            return int(value) - 1
        raise EditError("there is no such view")

    def _step(self, value: Any) -> None:
        session, step = self.session, STEPS.index(chosen(value, STEPS, "button")) - 1
        if step or session.view is None:
            step_view(session, step)
        else:
            go_to(session, session.views[session.view])

    def _draw_soon(self) -> None:
        """Draws on a thread of its own, because that may take seconds; of many changes in a row only the last."""
        self.drawing.do(lambda: self.session.attempt(self._draw))

    def _draw(self) -> None:
        session, at = self.session, self.session.view
        if at is None:
            raise EditError("choose a view first")
        view, show = session.views[at], cast(Show, chosen(self.show.value, SHOWS, "picture"))
        try:
            picture, missing = self._picture(at, show)
        except InputError:  # else the picture of another view would stay
            self.image.visible = self.wipe.visible = False
            self.note.content = block(dim(f"{escaped(view.name)}: its photo cannot be read"))
            raise
        if session.closed:
            return
        self.wipe.visible = show == "wipe" and not missing
        self.note.content = block(dim(f"{escaped(view.name)}{missing and ': ' + missing}"))
        if picture is not None:
            self.image.image = picture
        self.image.visible = picture is not None

    def _picture(self, at: int, show: Show) -> tuple[Picture | None, str]:
        """What is to be shown of a view, or None; and what it lacks, as a sentence's end."""
        view = self.session.views[at]
        camera = fitted(view.camera, SIDE)
        if show == "splats":
            return self._splats(at), ""
        photo = photo_of(view, camera)
        if show == "masks":
            if view.labels is None:
                return photo, "no masks are known of it"
            look = photo if photo is not None else self._splats(at)
            return labels_picture(view.labels, camera, look), ""
        if photo is None:
            return (None if show == "photo" else self._splats(at)), "its photo is not there"
        if show == "photo":
            return photo, ""
        splats = self._splats(at)
        if show == "side by side":
            return strip([photo, splats]), ""
        return wiped(photo, splats, self.wipe.value / 100), ""

    def _splats(self, at: int) -> Picture:
        document, state, view = self.session.document, self.session.document.state, self.session.views[at]
        key = (at, _drawn_pieces(state))
        if key not in self.pictures:
            with self.session.working(f"Drawing {plain(view.name)}"):
                drawn = drawn_from(document.painted, document.shown(state), view)
            self.pictures = dict([*self.pictures.items(), (key, drawn)][-KEPT:])
        return self.pictures[key]


def _drawn_pieces(state: State) -> bytes:
    """What is drawn of a state."""
    return state.gone.tobytes()


def drawn_from(gaussians: Gaussians, shown: Bool[ndarray, " gaussians"], view: View) -> Picture:
    """The shown Gaussians from the view's camera, at most `SIDE` pixels wide and high."""
    camera, device = fitted(view.camera, SIDE), gaussians.means.device
    seen = gaussians if shown.all() else gaussians.subset(torch.from_numpy(np.flatnonzero(shown)).to(device))
    colors = torch.cat([seen_colors(seen, camera.position), torch.ones(len(seen), 1)], 1)
    background = tuple(round(255 * part) for part in BACKDROP)
    return over(render_map(colors.to(device), seen, camera).cpu().numpy(), cast(tuple[int, int, int], background))


def wiped(left: Picture, right: Picture, share: float) -> Picture:
    """One picture on the left of a line, the other on its right; ``share`` of the width belongs to the left one."""
    at = round(min(max(share, 0.0), 1.0) * left.shape[1])
    picture = right.copy()
    picture[:, :at] = left[:, :at]
    picture[:, max(0, at - 1) : at + 1] = 255
    return picture
