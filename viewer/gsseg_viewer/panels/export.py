"""Taking things along: splats as PLY, a picture, a web page, and the command that does it again."""

from typing import Any, cast

import numpy as np

from gsseg_viewer.colors import alphas, colors
from gsseg_viewer.downloads import download_ply
from gsseg_viewer.exporting import (
    WHATS,
    Eye,
    What,
    export_command,
    page_bytes,
    page_size,
    picture_bytes,
    ply_size,
)
from gsseg_viewer.panels.elements import block, chosen, code, dim, handler, size, slow_handler
from gsseg_viewer.session import Session
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer.text import plural

PATIENCE = 30.0
"""Seconds that a browser is given to draw a picture."""
WHITE = (255, 255, 255)
SIDES = 4096
"""Largest picture, pixels."""
NO_COMMAND = (
    "No command repeats this: gsseg export takes whole objects as they are on disk. "
    "Save your edits and select whole objects."
)


class ExportPanel:
    """What to take along, and in which form."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        self.what = gui.add_dropdown("What", WHATS, hint="What is hidden or deleted is left out of all three.")
        self.amount = gui.add_html("")
        self.ply = gui.add_button("Download PLY", hint="The columns and rows of the splats that were trained on.")
        self.command = gui.add_html("")
        self.picture = gui.add_button("Save picture", hint="What is on the screen, without this panel, as PNG.")
        self.page = gui.add_button("Save web page", hint="One file that shows the scene as coloured now, anywhere.")
        self.page_size = gui.add_html("")
        self.what.on_update(handler(session, lambda _: self.refresh()))
        self.ply.on_click(slow_handler(session, lambda _: download_ply(session, self._what())))
        self.picture.on_click(slow_handler(session, lambda _: self._save_picture()))
        self.page.on_click(slow_handler(session, lambda _: self._save_page()))

    def refresh(self) -> None:
        """Says how much it would be, and how to do it without the viewer."""
        document, state = self.session.document, self.session.document.state
        selection, what = self.session.selection, self._what()
        shown = np.where(state.gone, 0, state.sizes)
        inside = int(shown[selection.mask(len(shown))].sum())
        rows = {"the selection": inside, "all but the selection": int(shown.sum()) - inside}.get(what, int(shown.sum()))
        about = size(ply_size(document, rows))
        self.amount.content = block(dim(f"{plural(rows, 'Gaussian')}, {about}" if rows else "nothing is selected"))
        command = export_command(document, state, selection, what) if rows else None
        self.command.content = block(code(command) if command else dim(NO_COMMAND)) if rows else ""
        self.page_size.content = block(dim(f"the web page: about {size(page_size(int(shown.sum())))}"))

    def _what(self) -> What:
        return cast(What, chosen(self.what.value, WHATS, "choice"))

    def _save_picture(self) -> None:
        session, camera = self.session, self.session.client.camera
        height, width = min(camera.image_height, SIDES), min(camera.image_width, SIDES)
        try:
            with session.working("Drawing the picture"):
                pixels = session.client.get_render(height, width, transport_format="png", timeout=PATIENCE)
        except (TimeoutError, RuntimeError) as error:
            session.tell("No picture", f"The browser did not draw it: {error}", color="red")
            return
        session.client.send_file_download("view.png", picture_bytes(pixels, WHITE), save_immediately=True)

    def _save_page(self) -> None:
        session, camera = self.session, self.session.client.camera
        with session.working("Writing the web page"):
            state = session.document.state
            painted = colors(session.document, state, session.coloring, session.selection)
            eye = Eye(_three(camera.position), _three(camera.look_at), _three(camera.up_direction), camera.fov)
            content = page_bytes(SplatNodes.of(session.document), painted, alphas(session.document, state), eye)
            session.client.send_file_download("scene.html", content, save_immediately=True)


def _three(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(each) for each in values)
    return x, y, z
