"""A short help: mouse, keys, and what the levels mean."""

from gsseg_viewer.panels.elements import block
from gsseg_viewer.session import Session

LINES = (
    "<b>How far a click reaches</b>",
    "<b>fine code</b>: the smallest piece; objects are made of them",
    "<b>object</b>: one thing",
    "<b>coarse code</b>: and what shares its coarse code, often its neighbours or the like elsewhere",
    "<b>similar features</b>: and everything whose feature is near; the slider says how near",
    "",
    "<b>Edits</b> are shared by everybody who looks at this scene; selection, colours and camera are your own. "
    "Everything can be undone, and nothing is written before you save.",
)


class HelpPanel:
    """The help; it never changes."""

    def __init__(self, session: Session, keys: str) -> None:
        """Builds its elements in the session's browser; ``keys``: mouse and keys, in markdown."""
        session.client.gui.add_html(block(*LINES))
        session.client.gui.add_markdown(keys)

    def refresh(self) -> None:
        """Nothing to do."""
