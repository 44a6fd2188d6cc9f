"""Taking things along: splats as PLY, a picture, a web page, and the command that does it again."""

from typing import cast

import numpy as np

from gsseg_viewer.downloads import download_page, download_picture, download_splats
from gsseg_viewer.exporting import KINDS, WHATS, Kind, What, export_command, splats_size
from gsseg_viewer.panels.elements import block, chosen, code, dim, fixed, handler, size, slow_handler
from gsseg_viewer.session import Session
from gsseg_viewer.text import plural
from gsseg_viewer.webpage import page_size

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
        self.kind = gui.add_dropdown(
            "As", KINDS, hint="PLY has the columns of the splats that were trained on; GLB is glTF with object ids."
        )
        self.amount = gui.add_html("")
        self.splats = gui.add_button("Download splats", hint="The rows of the splats that were trained on.")
        self.command = gui.add_html("")
        self.picture = gui.add_button(
            "Save picture", hint="What is on the screen, without this panel, as PNG, nothing lit."
        )
        self.page = gui.add_button(
            "Save web page",
            hint="One file that shows the scene as coloured now, with the names of its objects, anywhere.",
        )
        self.page_size = gui.add_html("")
        self.what.on_update(handler(session, lambda _: self.refresh()))
        self.kind.on_update(handler(session, lambda _: self.refresh()))
        self.splats.on_click(slow_handler(session, lambda _: download_splats(session, self._what(), self._kind())))
        self.picture.on_click(slow_handler(session, lambda _: download_picture(session)))
        self.page.on_click(slow_handler(session, lambda _: download_page(session)))

    def refresh(self) -> None:
        """Says how much it would be, and how to do it without the viewer."""
        document, state = self.session.document, self.session.document.state
        selection, what = self.session.selection, self._what()
        shown = np.where(state.gone, 0, state.sizes)
        inside = int(shown[selection.mask(len(shown))].sum())
        rows = {"the selection": inside, "all but the selection": int(shown.sum()) - inside}.get(what, int(shown.sum()))
        about = size(splats_size(document, rows, self._kind()))
        self.amount.content = block(dim(f"{plural(rows, 'Gaussian')}, {about}" if rows else "nothing is selected"))
        command = export_command(document, state, selection, what) if rows else None
        self.command.content = fixed(3, code(command) if command else dim(NO_COMMAND) if rows else "")
        self.page_size.content = block(dim(f"the web page: about {size(page_size(int(shown.sum())))}"))

    def _what(self) -> What:
        return cast(What, chosen(self.what.value, WHATS, "choice"))

    def _kind(self) -> Kind:
        return cast(Kind, chosen(self.kind.value, KINDS, "format"))
