"""The invisible panel: writes into the page what its browser is to remember over a reload."""

from html import escape

from gsseg_viewer.recall import remembered
from gsseg_viewer.session import Session


class RecallPanel:
    """One element without a size, which `web/live.js` reads; that it is there also says that all else is."""

    def __init__(self, session: Session) -> None:
        """Builds its element in the session's browser."""
        self.session = session
        self.note = session.client.gui.add_html("")

    def refresh(self) -> None:
        """Tells the page what there is to remember now."""
        session = self.session
        text = remembered(session.document, session.selection, session.coloring, session.dark)
        self.note.content = f'<template data-gsseg-session="{escape(text)}"></template>'
