"""Looking at objects from where the photos show them best, and the photo that belongs to where a person looks from."""

import numpy as np

from gsseg.export.pictures import fitted, jpeg, photo_of
from gsseg.scene import View
from gsseg_viewer.moving import frame_selection, go_to
from gsseg_viewer.pointing import Sight
from gsseg_viewer.session import Session
from gsseg_viewer.testimony import best_view

SIDE = 1280
"""Pixels of the longer side of a photo that is peeked at."""


def look_at_objects(session: Session, ids: list[int]) -> None:
    """Goes to the training view in which the masks have seen these objects best, all of them; where that is not known,
    only as near as fills the screen with the selection."""
    document, state = session.document, session.document.state
    owner = document.object_ids(state)
    view = best_view(document, session.views, [owner == each for each in ids])
    if view is None:
        frame_selection(session)
    else:
        go_to(session, view)


def nearest_view(session: Session) -> int | None:
    """The training view with a photo that is most like what is looked at now; None where there is none."""
    sight = Sight.of(session.client.camera)
    with_photo = [k for k, view in enumerate(session.views) if view.photo is not None]
    if not with_photo:
        return None
    cameras = [session.views[k].camera for k in with_photo]
    away = np.linalg.norm(np.stack([each.position for each in cameras]) - sight.position, axis=1)
    ahead = np.stack([each.T_camera_world[2, :3] for each in cameras]) @ sight.world_from_camera[:, 2]
    # A turn by a radian counts like a step of a quarter of the scene.
    apart = away / (0.25 * session.surroundings.size) + np.arccos(np.clip(ahead, -1, 1))
    return with_photo[int(apart.argmin())]


def photo(view: View) -> bytes:
    """A view's photo as JPEG; InputError where it cannot be read."""
    picture = photo_of(view, fitted(view.camera, SIDE))
    return b"" if picture is None else jpeg(picture)
