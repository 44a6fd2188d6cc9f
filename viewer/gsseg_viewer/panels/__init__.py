"""The panels of one browser: the list of objects beside the scene; what is selected, undo and colours always on top of
viser's own panel, the rest in tabs below."""

from collections.abc import Callable

from gsseg_viewer.panels.camera import CameraPanel
from gsseg_viewer.panels.edit import EditPanel, UndoPanel
from gsseg_viewer.panels.export import ExportPanel
from gsseg_viewer.panels.guide import GuidePanel
from gsseg_viewer.panels.help import HelpPanel
from gsseg_viewer.panels.look import LookPanel, ThemePanel
from gsseg_viewer.panels.objects import ObjectsPanel
from gsseg_viewer.panels.people import PeoplePanel
from gsseg_viewer.panels.recall import RecallPanel
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.panels.tools import ToolsPanel
from gsseg_viewer.panels.views import ViewsPanel
from gsseg_viewer.session import Session

TABS = (
    ("Edit", EditPanel),
    ("Tools", ToolsPanel),
    ("Views", ViewsPanel),
    ("Camera", CameraPanel),
    ("Export", ExportPanel),
)
"""From left to right; the help comes last."""


def build_panels(session: Session, keys: str, press: Callable[[Session, str], object]) -> None:
    """Builds every panel in the session's browser, registers it with the session, which fills it when it starts.

    ``keys``: what the help says of mouse and keys, in markdown; ``press``: does what a key stands for.
    """
    for always in (LookPanel, SelectionPanel, UndoPanel, ObjectsPanel):
        session.panels.append(always(session))
    tabs = session.client.gui.add_tab_group()
    for label, panel in TABS:
        with tabs.add_tab(label):
            session.panels.append(panel(session))
    with tabs.add_tab("Help"):
        session.panels.append(HelpPanel(session, keys))
    session.panels.append(ThemePanel(session))
    session.panels.append(GuidePanel(session, press))
    session.panels.append(PeoplePanel(session))
    session.panels.append(RecallPanel(session))
