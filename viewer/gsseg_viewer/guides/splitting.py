"""Splitting: a few ways to cut one object, each shown in colours before one is taken."""

import numpy as np

from gsseg.objects.suggestions import Suggestion
from gsseg_viewer import actions, edits
from gsseg_viewer.edits import EditError
from gsseg_viewer.guides.guide import Choice, Saying
from gsseg_viewer.painting import Preview
from gsseg_viewer.selection import of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.state import State
from gsseg_viewer.testimony import splits_of

PALETTE = np.array([(255, 146, 43), (77, 171, 247), (105, 219, 124), (240, 101, 149), (255, 224, 102)], np.uint8)
"""Of the parts, the brightest first."""


class Splitting:
    """Offers ways to split the selected object."""

    def __init__(self, session: Session) -> None:
        """Shows the likeliest way; `EditError` where there is none, or not one object is selected."""
        self.session = session
        document, state = session.document, session.document.state
        self.object_id = actions.selected_object(session)
        self.edition = state.edition
        self.pieces = frozenset(state.pieces_of([self.object_id]).tolist())
        self.rows = document.rows(self.pieces)
        with session.working("Looking for ways to split it"):
            found = splits_of(document, self.rows)
        # Two ways that differ in a few Gaussians are one to the eye: from few parts to many, and by place at the end.
        self.ways: list[Suggestion] = sorted(found, key=lambda each: (each.kind == "place", each.parts))
        self.codes = len(set(state.origin[sorted(self.pieces)].tolist()))
        if not self.ways and self.codes < 2:
            raise EditError(f"nothing tells parts of {state.objects[self.object_id].name} apart")
        self.at = self.ways.index(found[0]) if found else 0
        session.select(of_objects(session.selection, state, [self.object_id]))
        self._show()

    def saying(self) -> Saying | None:
        """The ways; None once the object is another one."""
        state = self.session.document.state
        if state.edition is not self.edition:
            return None
        choices = [
            Choice(str(k + 1), _called(way), on=k == self.at and bool(self.ways)) for k, way in enumerate(self.ways)
        ]
        if self.ways:
            choices.append(Choice("Enter", "split it so"))
        if self.codes > 1:
            choices.append(Choice("C", f"into its {self.codes} codes"))
        lines = [state.objects[self.object_id].name]
        if self.ways:
            way = self.ways[self.at]
            counts = " + ".join(f"{count:,}" for count in np.bincount(way.part))
            lines.append(f"{counts} Gaussians; the weakest border is {way.two:.0%} sure.")
        else:
            lines.append("What the masks said is not at hand, so only its codes can be offered.")
        return Saying("Splitting", "", lines, [*choices, Choice("Esc", "leave it")])

    def press(self, key: str) -> bool:
        """Shows a way, or takes it."""
        if key.isdigit() and 1 <= int(key) <= len(self.ways):
            self.at = int(key) - 1
            self._show()
        elif key == "Enter" and self.ways:
            self._take()
        elif key == "C" and self.codes > 1:
            pieces = self.pieces
            name = self.session.document.state.objects[self.object_id].name
            self.session.edit(f"split {name} into its codes", lambda state: edits.split(state, pieces))
        else:
            return key.isdigit()
        return True

    def typed(self, text: str) -> None:
        """Asks for nothing."""

    def end(self) -> None:
        """The colours are as they were."""
        self.session.show_over(None)

    def _take(self) -> None:
        document, way = self.session.document, self.ways[self.at]
        inside = np.zeros(len(document.gaussians), bool)
        for part in range(1, way.parts):
            inside[:] = False
            inside[self.rows[way.part == part]] = True
            document.refine(inside)

        def change(state: State) -> State:
            pieces = document.pieces_of(state)[self.rows]
            return edits.split_into(state, [np.unique(pieces[way.part == part]) for part in range(way.parts)])

        name = document.state.objects[self.object_id].name
        self.session.edit(f"split {name} into {way.parts}", change)

    def _show(self) -> None:
        if not self.ways:
            return
        part = np.full(len(self.session.document.gaussians), -1, np.int16)
        part[self.rows] = self.ways[self.at].part
        self.session.show_over(Preview(part, PALETTE))


def _called(way: Suggestion) -> str:
    return f"{way.parts} parts" if way.kind == "masks" else f"{way.parts} parts that hang apart"
