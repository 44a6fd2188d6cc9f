"""Judging borders: two objects that touch, and whether they are two things or one."""

from typing import Literal

import numpy as np

from gsseg.segmentation.confidence import Border
from gsseg_viewer import edits
from gsseg_viewer.edits import EditError
from gsseg_viewer.guides.guide import Choice, Saying
from gsseg_viewer.looking import look_at_objects
from gsseg_viewer.painting import Preview
from gsseg_viewer.selection import cleared, of_objects
from gsseg_viewer.session import Session
from gsseg_viewer.testimony import borders_of

Order = Literal["doubtful", "one"]
"""The least certain first, or those that are probably one thing first."""

DOUBT = 0.2
"""Least doubt of a border that deserves a look: nine in ten of the others are right."""
ONE = 0.5
"""Probability of being two below which two objects are probably one."""
FIRST, SECOND = (255, 146, 43), (77, 171, 247)
"""Their colours: apart in hue and lightness, also for those who see fewer hues."""


class BorderReview:
    """Goes from border to border."""

    def __init__(self, session: Session, order: Order, among: int | None = None) -> None:
        """Goes to the first; `EditError` where there is none. ``among``: only borders of this object."""
        self.session, self.order, self.among = session, order, among
        self.skipped: list[tuple[int, int]] = []
        self.judged: list[tuple[int, int]] = []
        self.shown: tuple[int, int] | None = None
        known = borders_of(session.document)
        if known is None:
            raise EditError("how sure the borders are is not known: train again, or open the folder of the run")
        self.known = known
        if not self._left():
            raise EditError("there is no border left that is in doubt" if among is None else "it touches nothing")
        self._show()

    def saying(self) -> Saying | None:
        """The two, and what speaks for and against."""
        left = self._left()
        if not left:
            return None
        border, one, other = left[0]
        if (one, other) != self.shown:  # an edit, or somebody else, has changed what there is
            self._show()
        objects = self.session.document.state.objects
        done = len(self.judged) + len(self.skipped)
        sure = 1 - border.two if border.two < 0.5 else border.two
        verdict = f"Probably {'one thing' if border.two < 0.5 else 'two things'}, {sure:.0%} sure."
        lines = [
            f"{objects[one].name}  ·  {objects[other].name}",
            f"{verdict} In one mask in {border.together:.1f} views, in two in {border.apart:.1f}"
            + (f", one of them unmasked in {border.dropped:.1f}." if border.dropped >= 0.05 else "."),
        ]
        title = "Borders in doubt" if self.order == "doubtful" else "Probably one"
        choices = [
            Choice("M", "one: merge"), Choice("K", "two: keep"), Choice("N", "skip"), Choice("Shift+N", "back"),
            Choice("Esc", "done"),
        ]  # fmt: skip
        return Saying(title, f"{done + 1} of {done + len(left)}", lines, choices, [(one, FIRST), (other, SECOND)])

    def press(self, key: str) -> bool:
        """One, two, later, back."""
        left = self._left()
        if not left or key not in ("M", "K", "N", "Shift+N"):
            return False
        border, one, other = left[0]
        pair = border.first, border.second
        if key == "M":
            session, state = self.session, self.session.document.state
            pieces = state.pieces_of([one, other]).tolist()
            names = " and ".join(state.objects[each].name for each in (one, other))
            if session.edit(f"merged {names}", lambda now: edits.merge(now, pieces)):
                self.judged.append(pair)
        elif key == "K":
            names = " and ".join(self.session.document.state.objects[each].name for each in (one, other))
            self._keep(pair, True, f"kept {names} apart")
            self.judged.append(pair)
        elif key == "N":
            self.skipped.append(pair)
        elif self.judged and self.judged[-1] in self.session.document.shared.judged.kept:
            self._keep(self.judged.pop(), False, "took a judgement back")
        elif self.skipped:
            self.skipped.pop()
        self._show()
        return True

    def _keep(self, pair: tuple[int, int], on: bool, title: str) -> None:
        self.session.document.shared.keep(pair, on, title, self.session.client.client_id)

    def typed(self, text: str) -> None:
        """Asks for nothing."""

    def end(self) -> None:
        """The scene is as it was."""
        self.session.show_over(None)
        self.session.reselect(cleared)

    def _left(self) -> list[tuple[Border, int, int]]:
        """What is still to be judged, in order; what was skipped comes last, once."""
        found = [each for each in self.known.standing(self.session.document) if self._wanted(*each)]
        if self.order == "one":
            found.sort(key=lambda each: each[0].two)
        return [each for each in found if (each[0].first, each[0].second) not in self.skipped]

    def _wanted(self, border: Border, one: int, other: int) -> bool:
        if self.among is not None:
            return self.among in (one, other)
        return border.doubt >= DOUBT if self.order == "doubtful" else border.two < ONE

    def _show(self) -> None:
        """Both in colours of their own, from where both are seen."""
        session, left = self.session, self._left()
        if not left:
            self.shown = None
            return
        _, one, other = left[0]
        self.shown = one, other
        document, state = session.document, session.document.state
        owner = document.object_ids(state)
        part = np.select([owner == one, owner == other], [0, 1], -1).astype(np.int16)
        session.select(of_objects(session.selection, state, [one, other]))
        session.show_over(Preview(part, np.array([FIRST, SECOND], np.uint8)))
        look_at_objects(session, [one, other])
