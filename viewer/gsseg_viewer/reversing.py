"""Taking back one edit and none of those that others have made since."""

import numpy as np

from gsseg_viewer.edits import EditError
from gsseg_viewer.state import State

MARKS = ("owner", "hidden", "aside", "deleted")


def taken_back(before: State, after: State, now: State) -> State:
    """The current state without what an edit from ``before`` to ``after`` did; all three of one division.

    `EditError` where somebody has since changed the same pieces, or given the same object another name: then the edit
    is no longer there to be taken back.
    """
    values = {}
    for name in MARKS:
        old, made, current = (getattr(each, name) for each in (before, after, now))
        changed = old != made
        if not np.array_equal(made[changed], current[changed]):
            raise EditError("somebody else has changed the same since: it cannot be taken back alone")
        values[name] = np.where(changed, old, current)
    known = dict(now.objects)
    for each in before.objects.keys() | after.objects.keys():
        old, made, current = (state.objects.get(each) for state in (before, after, now))
        if old == made or old is None:
            continue
        renamed = made is not None and old.name != made.name
        if renamed and current is not None and made is not None and current.name != made.name:
            raise EditError("somebody else has given it another name since")
        if current is None or current == made or renamed:
            known[each] = old
    left = np.unique(values["owner"]).tolist()
    objects = {each: known[each] for each in left if each >= 0}
    return State(
        values["owner"], now.sizes, objects, hidden=values["hidden"], aside=values["aside"], deleted=values["deleted"],
        origin=now.origin, next_id=now.next_id,
    )  # fmt: skip
