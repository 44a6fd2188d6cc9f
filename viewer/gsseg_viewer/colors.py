"""What colour each Gaussian has: values in, values out, and fast enough to follow a click.

    colouring  -> what the colours mean; a colour for each piece, carried over to the rows by one look-up; only
                  `photo` and other segmentations have a colour for each row
    grey       -> belongs to no object, or has no code; by object as light as the photos' colours
    lit        -> selected: its own colour, lifted a little towards a warm white
    dimmed     -> not selected while something is: darker and nearly grey

Dimming costs one full update when a selection begins and one when it ends; between two selections only what either
holds changes. A tint alone is cheaper, but no hue stands out in a picture that has every hue. So scenes above
`DIMMED_UP_TO` are not dimmed and the selection is lifted further: there a click sends what it selects and no more.
Where all that is shown is selected, as after isolating it, there is nothing to tell it from and it keeps its colours.

Colours and opacities are uint8, 0..255, as the browser takes them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8, UInt32
from numpy import ndarray

from gsseg.scene import Gaussians
from gsseg.scene.sh import base_colors
from gsseg.segmentation import NO_CODE, NO_OBJECT
from gsseg.segmentation.table import display_colors
from gsseg_viewer.classes import ObjectClass, class_of
from gsseg_viewer.comparison import Comparison
from gsseg_viewer.document import Document
from gsseg_viewer.pieces import PieceTable
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import State

Coloring = Literal[
    "photo", "object", "class", "coarse code", "fine code", "feature", "agreement", "as opened", "other run"
]
COLORINGS: tuple[Coloring, ...] = get_args(Coloring)
"""In the order in which they are offered."""
COMPARING: tuple[Coloring, ...] = ("as opened", "other run")
"""Those that show another segmentation (`gsseg_viewer.comparison`)."""

Color = tuple[int, int, int]

GREY: Color = (110, 110, 110)
"""Of what belongs to no object, or has no code."""

RAMP: tuple[Color, ...] = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Low to high in even steps: lightness grows all the way, so the order shows without colour vision too."""

RAMP_ENDS = (0.5, 1.0)
"""Agreements at the ends of `RAMP`. An object whose views agree less than half is as doubtful as can be."""

DIMMED_UP_TO = 300_000
"""Gaussians: to dim so many sends 10 MB."""

_WARM_WHITE, _LIFT_ALONE = np.array([255.0, 240.0, 200.0]), 0.55
_STANDS_OUT = 82.0
"""Lightness, 0..255, by which a selected colour is above itself dimmed."""
_FADING, _DIMNESS = 0.6, 0.55
_LUMA = np.array([0.299, 0.587, 0.114])
_DARKEST, _PALEST = 50.0, 130.0


@dataclass(frozen=True)
class Legend:
    """What a colouring means, for the panel to show."""

    text: str
    """One plain sentence."""
    swatches: list[tuple[Color, str]]
    """Single colours and what they stand for; names are as people typed them and not escaped."""
    ramp: tuple[Color, ...] = ()
    """A scale in even steps; empty where there is none."""
    ramp_ends: tuple[str, str] = ("", "")
    """What the first and the last colour of the ramp stand for."""


def colors(
    document: Document, state: State, coloring: Coloring, selection: PieceSelection
) -> UInt8[ndarray, "gaussians 3"]:
    """Colour of each Gaussian. Not to be written to: `photo` without a selection is the same array every time."""
    on = _marked(state, selection)
    alone = len(document.gaussians) > DIMMED_UP_TO
    if coloring == "photo" or coloring in COMPARING:
        rows = _photo_of(document) if coloring == "photo" else _compared(document, coloring)
        if on is None:
            return _rgb(rows.plain)
        rest, chosen = (rows.plain, rows.lit_alone) if alone else (rows.dimmed, rows.lit)
        return _rgb(np.where(on[document.pieces_of(state)], chosen, rest))
    by_piece = piece_colors(document.table_of(state), state, coloring, document.shared.classes)
    if on is not None:
        by_piece = np.where(on[:, None], lit(by_piece, alone), by_piece if alone else dimmed(by_piece))
    return _rgb(_words(by_piece)[document.pieces_of(state)])


def _marked(state: State, selection: PieceSelection) -> Bool[ndarray, " pieces"] | None:
    """Pieces that are to stand out; None where nothing does, also because all that is shown is selected."""
    if not selection:
        return None
    on = selection.mask(len(state.owner))
    return None if (on | state.gone).all() else on


def alphas(document: Document, state: State) -> UInt8[ndarray, " gaussians"]:
    """Opacity of each Gaussian, 0 for what is hidden, deleted or cannot be drawn."""
    seen = ~state.gone
    return _photo_of(document).opacities * seen.astype(np.uint8)[document.pieces_of(state)]


def piece_colors(
    table: PieceTable, state: State, coloring: Coloring, classes: Sequence[ObjectClass] = ()
) -> UInt8[ndarray, "pieces 3"]:
    """Colour of each piece, nothing selected; ``classes``: what objects are named by. ValueError for `photo`, which has
    none."""
    if coloring in ("object", "class"):
        ids, place = np.unique(state.owner, return_inverse=True)
        known = [None if each == NO_OBJECT else state.objects[each] for each in ids.tolist()]
        kinds = [None if each is None else class_of(each.name, classes) for each in known]
        if coloring == "object":
            of_id = [GREY if each is None else each.color for each in known]
        else:
            of_id = [GREY if each is None else classes[each].color for each in kinds]
        colors = np.array(of_id, np.uint8).reshape(-1, 3)[place]
        # Of no object may be half of a scene: as bright as it is, so that what is in it can be told apart and clicked.
        grey = np.array(
            [one is None or (coloring == "class" and kind is None) for one, kind in zip(known, kinds, strict=True)]
        )[place]
        colors[grey] = np.round(_PALEST * (table.colors[grey] @ _LUMA) + _DARKEST)[:, None]
        return colors
    if coloring == "agreement":
        return _by_agreement(state)
    if coloring == "coarse code":
        return _by_code(table.coarse)
    if coloring == "fine code":
        return _by_code(table.fine)
    if coloring == "feature":
        return _by_feature(table, state)
    raise ValueError(f"{coloring!r} is no colouring of pieces")


def lit(rgb: UInt8[ndarray, "items 3"], alone: bool = False) -> UInt8[ndarray, "items 3"]:
    """How a selected colour is shown; ``alone``: while the rest is not dimmed.

    No further from itself than it must be to stand out from its own dimmed colour: a bright one not at all.
    """
    share = np.full(len(rgb), _LIFT_ALONE, np.float32)
    if not alone:
        luma = rgb @ _LUMA.astype(np.float32)
        share = np.maximum(0, _STANDS_OUT - (1.0 - _DIMNESS) * luma) / (_WARM_WHITE @ _LUMA - np.minimum(luma, 200))
    mixed = rgb + share[:, None].astype(np.float32) * (_WARM_WHITE.astype(np.float32) - rgb)
    return np.round(mixed).astype(np.uint8)


def dimmed(rgb: UInt8[ndarray, "items 3"]) -> UInt8[ndarray, "items 3"]:
    """How a colour is shown while something else is selected."""
    luma = (rgb @ _LUMA.astype(np.float32))[:, None]
    return np.round((rgb * np.float32(1.0 - _FADING) + luma * np.float32(_FADING)) * np.float32(_DIMNESS)).astype(
        np.uint8
    )


def legend(state: State, coloring: Coloring, classes: Sequence[ObjectClass] = ()) -> Legend:
    """What to say about a colouring; ``classes``: what objects are named by."""
    if coloring == "as opened":
        return Legend("The objects as they were when this was opened, before any edit of today.", [(GREY, "no object")])
    if coloring == "other run":
        text = "The objects of the other run; those that both have keep the colour that they have here."
        return Legend(text, [(GREY, "no object")])
    grey = [(GREY, "no object")]
    if coloring == "photo":
        return Legend("The colours of the photos.", [])
    if coloring == "object":
        largest = sorted(
            set(state.objects) - state.hidden_objects - state.deleted_objects,
            key=lambda each: (-state.gaussians(each), each),
        )[:8]
        named = [(state.objects[each].color, state.objects[each].name) for each in largest]
        return Legend("Every object has a colour of its own; these are the largest.", named + grey)
    if coloring == "class":
        living = (info.name for each, info in state.objects.items() if each not in state.deleted_objects)
        counts = Counter(class_of(name, classes) for name in living)
        there = [(kind.color, f"{kind.name} ({counts[k]})") for k, kind in enumerate(classes) if counts[k]]
        text = f"Objects of one class have one colour. {counts[None]} of {sum(counts.values())} are of none."
        return Legend(text, [*there[:12], (GREY, "no class")])
    if coloring == "agreement":
        low, high = RAMP_ENDS
        ends = (f"{low:.0%} or less", f"{high:.0%}")
        grey = [(GREY, "no object, or not measured since it was edited")]
        return Legend("How well the views agree that this is one object. Dark ones deserve a look.", grey, RAMP, ends)
    if coloring == "feature":
        return Legend("Similar colours mean similar features: what the masks could hardly tell apart.", grey)
    what = "coarse" if coloring == "coarse code" else "fine"
    return Legend(f"Every {what} code has a colour of its own.", [(GREY, "no code")])


def colorings_of(document: Document) -> tuple[Coloring, ...]:
    """Those that a document offers."""
    return tuple(each for each in COLORINGS if each not in COMPARING or each in document.comparisons)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Colours of rows that never change: 4 bytes a Gaussian, and up to 8 more once something has been selected."""

    plain: UInt32[ndarray, " gaussians"]
    """Colours as `_words`, and so the others."""

    @cached_property
    def lit(self) -> UInt32[ndarray, " gaussians"]:
        return _words(lit(_rgb(self.plain)))

    @cached_property
    def lit_alone(self) -> UInt32[ndarray, " gaussians"]:
        return _words(lit(_rgb(self.plain), alone=True))

    @cached_property
    def dimmed(self) -> UInt32[ndarray, " gaussians"]:
        return _words(dimmed(_rgb(self.plain)))


def _words(rgb: UInt8[ndarray, "items 3"]) -> UInt32[ndarray, " items"]:
    """Colours as one number each: looked up and chosen among several times quicker than three bytes."""
    padded = np.zeros((len(rgb), 4), np.uint8)
    padded[:, :3] = rgb
    return padded.view(np.uint32)[:, 0]


def _rgb(words: UInt32[ndarray, " items"]) -> UInt8[ndarray, "items 3"]:
    """The colours of `_words`, which are shared."""
    return words.view(np.uint8).reshape(-1, 4)[:, :3]


@dataclass(frozen=True, eq=False)
class _Photo(_Rows):
    """The colours of the photos, and how opaque each Gaussian is."""

    opacities: UInt8[ndarray, " gaussians"]


_PHOTOS: WeakKeyDictionary[Document, _Photo] = WeakKeyDictionary()


def _photo_of(document: Document) -> _Photo:
    """Computed once for each document. Two threads that come first at once compute the same."""
    photo = _PHOTOS.get(document)
    if photo is None:
        _PHOTOS[document] = photo = _photo(document.gaussians)
    return photo


_COMPARED: WeakKeyDictionary[Comparison, _Rows] = WeakKeyDictionary()


def _compared(document: Document, coloring: Coloring) -> _Rows:
    """Computed once for each other segmentation. ValueError where the document has none for this colouring."""
    found = document.comparisons.get(coloring)
    if found is None:
        raise ValueError(f"there is nothing to show as {coloring!r}")
    if found not in _COMPARED:
        _COMPARED[found] = _Rows(_words(found.painted(GREY)))
    return _COMPARED[found]


def _photo(gaussians: Gaussians) -> _Photo:
    plain = _words(base_colors(gaussians).mul(255.0).round_().byte().numpy())
    plain.setflags(write=False)
    return _Photo(plain, gaussians.opacities.mul(255.0).round_().byte().numpy())


def _by_agreement(state: State) -> UInt8[ndarray, "pieces 3"]:
    ids, place = np.unique(state.owner, return_inverse=True)
    known = [each != NO_OBJECT and not state.objects[each].edited for each in ids.tolist()]
    agreements = np.array([state.objects[each].agreement if each in state.objects else 0.0 for each in ids.tolist()])
    steps = np.linspace(*RAMP_ENDS, len(RAMP))
    out = np.stack([np.interp(agreements, steps, channel) for channel in np.array(RAMP, float).T], 1)
    out[~np.array(known, bool)] = GREY
    return np.round(out).astype(np.uint8)[place]


def _by_code(codes: Integer[ndarray, " pieces"]) -> UInt8[ndarray, "pieces 3"]:
    known = codes != NO_CODE
    out = np.full((len(codes), 3), GREY, np.uint8)
    palette = np.round(display_colors(int(codes[known].max(initial=0)) + 1) * 255.0).astype(np.uint8)
    out[known] = palette[codes[known]]
    return out


def _by_feature(table: PieceTable, state: State) -> UInt8[ndarray, "pieces 3"]:
    """The three main directions of the features as red, green and blue; Gaussians count alike, not pieces."""
    known = (state.owner != NO_OBJECT) & (table.fine != NO_CODE)
    out = np.full((len(known), 3), GREY, np.uint8)
    if known.any():  # by the pieces of the files, so that cutting them changes no rounding
        weights = np.bincount(state.origin[known], state.sizes[known])
        there = np.flatnonzero(weights)
        directions = _main_directions(table.features[there].astype(np.float64), weights[there])
        out[known] = directions[np.searchsorted(there, state.origin[known])]
    return out


def _main_directions(
    features: Float[ndarray, "items dim"], weights: Float[ndarray, " items"]
) -> UInt8[ndarray, "items 3"]:
    """Principal components 1 to 3 from -2 to 2 standard deviations, black left out; the largest loading positive."""
    share = weights / weights.sum()
    centred = features - share @ features
    variances, vectors = np.linalg.eigh((centred * share[:, None]).T @ centred)
    axes, spread = vectors[:, :-4:-1], 2.0 * np.sqrt(np.maximum(variances[:-4:-1], 1e-12))
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(3)])
    unit = np.clip(0.5 + 0.5 * (centred @ axes) / spread, 0.0, 1.0)
    return np.round(40.0 + 215.0 * unit).astype(np.uint8)
