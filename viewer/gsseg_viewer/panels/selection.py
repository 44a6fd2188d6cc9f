"""What is selected, how far a click reaches, and what to do with it first."""

from typing import Any, cast

import numpy as np

from gsseg.segmentation import NO_OBJECT
from gsseg_viewer import actions
from gsseg_viewer.edits import EditError
from gsseg_viewer.panels.elements import chosen, dim, fixed, handler, swatch
from gsseg_viewer.selection import LEVELS, Level, PieceSelection, widened
from gsseg_viewer.session import Session
from gsseg_viewer.state import ObjectState, State
from gsseg_viewer.text import escaped, extent, length, plural

ACTIONS = ("frame", "hide", "isolate", "clear")
HOW = "Click something. Shift-click adds, alt-click takes away, shift-drag takes all in a rectangle."
MARK = "✓ "
"""Before the level in use."""
LINES = 6
"""Height of what is said of a selection."""
NAMED_ELSEWHERE = 3
"""Objects of another run that are told with their shares."""
NAMED = 2
"""Objects of a larger selection that are named, largest first."""
FARTHEST = 1.0
"""Distance at the slider's end: features have unit length, and unlike ones are about 1.4 apart."""
SAME = 100.0
"""What the slider says of no distance at all: more is more alike, and selects less."""
HIGH, FAIR = 0.85, 0.65
"""Agreement from which on it is called so."""


class SelectionPanel:
    """The selection in words, its level, and buttons."""

    def __init__(self, session: Session) -> None:
        """Builds its elements in the session's browser."""
        self.session = session
        gui = session.client.gui
        self.text = gui.add_html("")
        self.level = gui.add_button_group(
            "Reach", _marked(session.selection.level), hint="How far a click reaches, from narrow to wide."
        )
        self.distance = gui.add_slider(
            "How similar", 0.0, SAME, 1.0, _likeness(session.selection.distance),
            hint="More is more alike, and selects less: 100 is the same feature.", visible=False,
        )  # fmt: skip
        self.only_seen = gui.add_checkbox(
            "Only seen", session.only_seen, hint="A rectangle takes what is seen, and not what stands behind it too."
        )
        self.actions = gui.add_button_group("Selection", ACTIONS)
        self.level.on_click(handler(session, self._widen))
        self.distance.on_update(handler(session, self._reach))
        self.only_seen.on_update(handler(session, self._see))
        self.actions.on_click(handler(session, self._act))

    def refresh(self) -> None:
        """Says what is selected now."""
        session, selection = self.session, self.session.selection
        self.text.content = fixed(LINES, *selection_lines(session, selection))
        self.level.options = _marked(selection.level)
        self.distance.visible = selection.level == "similar features"
        self.distance.value = _likeness(selection.distance)
        self.only_seen.value = session.only_seen

    def _widen(self, value: Any) -> None:
        level = chosen(str(value).removeprefix(MARK), LEVELS, "level")
        self._select(cast(Level, level), self.session.selection.distance)

    def _reach(self, value: Any) -> None:
        if not isinstance(value, int | float) or not 0 <= value <= SAME:
            raise EditError("that is no likeness")
        self._select(self.session.selection.level, FARTHEST * (1 - value / SAME))

    def _see(self, value: Any) -> None:
        self.session.only_seen = bool(value)

    def _select(self, level: Level, distance: float) -> None:
        document, selection = self.session.document, self.session.selection
        state = document.state
        self.session.select(widened(selection, state, document.table_of(state), level, distance))

    def _act(self, value: Any) -> None:
        session, action = self.session, chosen(value, ACTIONS, "button")
        if action == "clear":
            session.clear()
        elif action == "frame":
            actions.frame(session)
        elif action == "hide":
            actions.hide(session)
        else:
            actions.isolate(session)


def selection_lines(session: Session, selection: PieceSelection) -> list[str]:
    """The selection as lines of html."""
    state = session.document.state
    box = session.document.box(selection) if selection else None
    if box is None:
        return ["<b>Nothing selected</b>", dim(HOW)]
    taken = int(state.sizes[selection.mask(len(state.owner))].sum())
    ids = selection.objects(state)
    lines = _one(state, selection, ids[0], taken) if len(ids) == 1 else _several(state, ids, taken)
    low, high = (tuple(corner.tolist()) for corner in box)
    middle = ", ".join(length((a + b) / 2) for a, b in zip(low, high, strict=True))
    lines += _elsewhere(session, selection)
    return [*lines, f"size {extent(low, high)}", f"middle at {middle}"]


def _elsewhere(session: Session, selection: PieceSelection) -> list[str]:
    """What the selection is in the other run, where there is one."""
    other = session.document.comparisons.get("other run")
    if other is None:
        return []
    shares = other.shares(session.document.rows(selection.pieces))
    told = [f"{escaped(other.names[each]) if each != NO_OBJECT else 'no object'} {share:.0%}" for each, share in shares]
    more = f" and {len(told) - NAMED_ELSEWHERE} more" if len(told) > NAMED_ELSEWHERE else ""
    return [dim(f"in {escaped(other.title)}: {', '.join(told[:NAMED_ELSEWHERE])}{more}")]


def _one(state: State, selection: PieceSelection, object_id: int, taken: int) -> list[str]:
    info, whole = state.objects[object_id], state.gaussians(object_id)
    pieces = state.pieces_of([object_id])
    mine = [piece for piece in pieces.tolist() if piece in selection.pieces]
    codes, own = (len(np.unique(state.origin[each])) for each in (mine, pieces))
    sure = "" if info.name_confidence is None else f", {info.name_confidence:.0%} sure of the name"
    lines = [f"{swatch(info.color)} <b>{escaped(info.name)}</b> {dim(f'id {object_id}{sure}')}"]
    if len(mine) < len(pieces):
        lines.append(f"a part: {codes:,} of {plural(own, 'code')}, {taken:,} of {plural(whole, 'Gaussian')}")
    elif taken > whole:
        lines.append(f"{plural(whole, 'Gaussian')}, and {taken - whole:,} that belong to no object")
    else:
        lines.append(f"{plural(whole, 'Gaussian')} in {plural(own, 'code')}")
    return [*lines, _agreement(info)]


def _several(state: State, ids: list[int], taken: int) -> list[str]:
    if not ids:
        return ["<b>No object</b>", f"{plural(taken, 'Gaussian')} that belong to none"]
    ids = sorted(ids, key=lambda each: -state.gaussians(each))
    lines = [f"<b>{plural(len(ids), 'object')}</b>, {plural(taken, 'Gaussian')}"]
    lines += [
        f"{swatch(state.objects[each].color)} {escaped(state.objects[each].name)} {dim(f'id {each}')}"
        for each in ids[:NAMED]
    ]
    return [*lines, dim(f"and {plural(len(ids) - NAMED, 'more', 'more')}")] if len(ids) > NAMED else lines


def _agreement(info: ObjectState) -> str:
    if info.views == 0:
        return dim("mask agreement: not known")
    if info.edited:
        return dim(f"mask agreement: not measured since an edit ({info.agreement:.2f} before)")
    word = "high" if info.agreement >= HIGH else "fair" if info.agreement >= FAIR else "low"
    return f"mask agreement: {word} ({info.agreement:.2f}, {plural(info.views, 'view')})"


def _likeness(distance: float) -> float:
    """What the slider says of a distance of features."""
    return float(round(SAME * (1 - min(distance, FARTHEST) / FARTHEST)))


def _marked(level: Level) -> tuple[str, ...]:
    return tuple(MARK + each if each == level else each for each in LEVELS)
