"""What a person does to what is selected, whether by button, key or command palette: one function each.

All act on the selection as it is shown, so a part of an object is a part. `EditError` where something cannot be done.
"""

from collections.abc import Collection

from gsseg.segmentation import NO_OBJECT
from gsseg_viewer import edits
from gsseg_viewer.edits import EditError, one_line
from gsseg_viewer.moving import frame_selection
from gsseg_viewer.session import Session
from gsseg_viewer.state import State
from gsseg_viewer.text import plural


def frame(session: Session) -> None:
    """Moves the camera to the selection."""
    if not session.selection:
        raise EditError("select something to look at")
    frame_selection(session)


def hide(session: Session) -> None:
    """No longer draws it."""
    pieces = session.selection.pieces
    session.edit(f"hid {_called(session)}", lambda state: edits.hide(state, pieces))


def isolate(session: Session) -> None:
    """Draws nothing else."""
    pieces = session.selection.pieces
    session.edit(f"isolated {_called(session)}", lambda state: edits.isolate(state, pieces))


def show_all(session: Session) -> None:
    """Ends isolating; else draws what is hidden."""
    isolated = session.document.state.aside.any()
    session.edit("showed what was not isolated" if isolated else "showed what was hidden", edits.show_all)


def delete(session: Session) -> None:
    """Leaves it out of everything."""
    pieces = session.selection.pieces
    session.edit(f"deleted {_called(session)}", lambda state: edits.delete(state, pieces))


def restore(session: Session) -> None:
    """Has everything back that is deleted."""
    session.edit("restored what was deleted", edits.restore)


def merge(session: Session) -> None:
    """Makes it part of the object that most of it is of."""
    pieces = session.selection.pieces
    session.edit(f"merged {_called(session)}", lambda state: edits.merge(state, pieces))


def split(session: Session) -> None:
    """Makes each of its pieces an object."""
    state, pieces = session.document.state, session.selection.pieces
    parts = [each for each in pieces if each < len(state.owner) and not state.deleted[each]]
    title = f"split {_called(session)} into {len(set(state.origin[parts].tolist()))}"
    session.edit(title, lambda state: edits.split(state, pieces))


def move(session: Session, target: int | None) -> None:
    """Gives it to an object, to none (`NO_OBJECT`), or makes it an object of its own (None)."""
    state, pieces = session.document.state, session.selection.pieces
    if target is None:
        title = f"made {_called(session)} a new object"
    else:
        to = "no object" if target == NO_OBJECT else state.objects[target].name if target in state.objects else "?"
        title = f"moved {_called(session)} to {to}"
    session.edit(title, lambda state: edits.move(state, pieces, target))


def make_object(session: Session) -> None:
    """Makes it an object of its own."""
    move(session, None)


def release(session: Session) -> None:
    """Makes it belong to no object."""
    move(session, NO_OBJECT)


def rename(session: Session, object_id: int, name: str) -> bool:
    """Gives an object another name, says so where another object has it too, and returns whether it could be done."""
    state, new = session.document.state, one_line(name)
    old = state.objects[object_id].name if object_id in state.objects else ""
    if not session.edit(f"renamed {old} to {new}", lambda state: edits.rename(state, object_id, name)):
        return False
    others = set(state.objects) - state.deleted_objects - {object_id}
    alike = sorted(each for each in others if state.objects[each].name.casefold() == new.casefold())
    if alike:
        ids = ", ".join(map(str, alike[:3])) + (" and others" if len(alike) > 3 else "")
        session.tell("This name is taken", f"{new} is also the name of id {ids}; the id tells them apart.", "yellow")
    return True


def selected_object(session: Session) -> int:
    """Id of the one object that is selected; `EditError` where it is none or several."""
    ids = session.selection.objects(session.document.state)
    if len(ids) != 1:
        raise EditError("select the one object that is meant")
    return ids[0]


def _called(session: Session) -> str:
    return called(session.document.state, session.selection.pieces)


def called(state: State, pieces: Collection[int]) -> str:
    """Pieces in the title of an edit: one object by name, several by number, and whether it is parts of them."""
    ids = state.owners(pieces)
    if not ids:
        gaussians = int(sum(state.sizes[each] for each in pieces if each < len(state.owner)))
        return f"{plural(gaussians, 'Gaussian')} of no object"
    whole = set(state.pieces_of(ids).tolist()) <= set(pieces)
    if len(ids) == 1:
        return state.objects[ids[0]].name if whole else f"a part of {state.objects[ids[0]].name}"
    return plural(len(ids), "object") if whole else f"parts of {len(ids)} objects"
