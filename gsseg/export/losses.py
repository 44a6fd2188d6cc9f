"""What the report says of instances that were lost: how many, to what, and a picture of each."""

import html
from collections import Counter
from collections.abc import Callable, Mapping

from gsseg.evaluate.losses import FOUND, Loss
from gsseg.evaluate.score import Lost
from gsseg.export.close_ups import Subjects
from gsseg.export.pictures import Crop
from gsseg.segmentation import SegmentationColumns

MOST_SHOWN = 60
"""Losses with a card; the rest is counted."""


def subjects_of(found: SegmentationColumns, lost: Lost | None) -> Subjects:
    """What close-ups a report wants: every object, and every loss that has a card beside the object that holds most."""
    if lost is None or not lost.losses:
        return Subjects(found.object_ids, len(found.objects))
    homes = {loss.instance: loss.pieces[0].object_id if loss.pieces else None for loss in lost.losses[:MOST_SHOWN]}
    return Subjects(found.object_ids, len(found.objects), lost.instances, homes)


def losses_section(lost: Lost, pictures: Mapping[int, Crop], image: Callable[[Crop, str], str]) -> str:
    """Cards of the lost instances, worst first. ``image``: a picture and its description as an element of the page."""
    if not lost.losses:
        return f"<p>None of {lost.count} instances: each has an object whose IoU with it is {FOUND} or more.</p>"
    causes = Counter(loss.cause for loss in lost.losses)
    counted = ", ".join(f"{number} {cause}" for cause, number in causes.most_common())
    left = len(lost.losses) - MOST_SHOWN
    cards = "".join(_card(loss, lost.names, pictures.get(loss.instance), image) for loss in lost.losses[:MOST_SHOWN])
    return (
        f"<p>{len(lost.losses)} of {lost.count} instances have no object whose IoU with them is {FOUND} or more: "
        f'{counted}. Outlined: <b class="truth">what is really there</b>, '
        f'<b class="found">the object that holds most of it</b>.</p><div class="cards">{cards}</div>'
        + (f"<p>And {left} more.</p>" if left > 0 else "")
    )


def _card(loss: Loss, names: Mapping[int, str], picture: Crop | None, image: Callable[[Crop, str], str]) -> str:
    title = html.escape(called(loss.instance, names))
    shown = '<div class="none">in no picture</div>' if picture is None else image(picture, title)
    return (
        f'<figure class="card">{shown}<figcaption><b>{title}</b> IoU {loss.iou:.2f}<br>'
        f"{html.escape(told(loss, names))}</figcaption></figure>"
    )


def called(instance: int, names: Mapping[int, str]) -> str:
    """An instance as a person reads it: ``7 chair``."""
    return f"{instance} {names.get(instance, '')}".rstrip()


def told(loss: Loss, names: Mapping[int, str]) -> str:
    """What became of an instance, in words."""
    if loss.cause == "unseen":
        return "never seen: no mask shows it"
    held = ", ".join(f"{piece.object_id} ({piece.share:.0%})" for piece in loss.pieces[:4])
    if loss.cause == "merged":
        others = ", ".join(called(each, names) for each in loss.merged_with[:4])
        more = len(loss.merged_with) - 4
        others += f" and {more} more" if more > 0 else ""
        with_ = f"merged with {others}" if others else "merged with many small things"
        return f"{with_} in object {loss.pieces[0].object_id}" if loss.pieces else with_
    if loss.cause == "split":
        return f"split: objects {held} hold its parts"
    return f"left out: mostly in no object; object {held} holds the rest" if held else "left out: in no object"
