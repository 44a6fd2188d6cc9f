"""What a made scene is like, and how its masks are spoilt; the presets."""

from dataclasses import dataclass, replace
from typing import Literal, get_args, overload

from gsseg.sample.scan_noise import ScanNoise
from gsseg.validation import LARGEST_SEED, check_choice, check_real, check_whole

Preset = Literal["room", "hard", "flat", "scan", "scan_few", "scan_spoilt", "scan_spoilt_few"]
Layout = Literal["room", "flat", "scan"]


@dataclass(frozen=True)
class RoomConfig:
    """One made scene; the same values give the same files, byte by byte."""

    layout: Layout = "room"
    """One furnished room seen from all round, a flat of several rooms walked through once, or a flat of large pale
    things side by side, scanned by hand."""
    seed: int = 0
    """Decides furniture, colours, places, cameras, splats and masks."""
    objects: int = 30
    """Small things on tables, shelves and floors; furniture, floors and walls come on top."""
    gaussians: int = 120_000
    """Splats, floaters included."""
    views: int = 48
    """Training views: photo and masks."""
    test_views: int = 8
    """Held-out views: photo, no masks."""
    width: int = 320
    """Photo width, pixels."""
    height: int = 240
    """Photo height, pixels."""
    fov_degrees: float = 67.4
    """Horizontal field of view."""
    detail: float = 0.62
    """Splats of an instance grow with its visible area to this power; 1 is even density, lower favours small things."""
    fewest: int = 300
    """Splats of an item however small (about)."""
    flatness: float = 0.15
    """Thickness of a splat over its width: 0.15 is a disc, 0.5 nearly a ball."""
    jitter: float = 0.2
    """How far splats lie off the surface (one sigma), in widths."""
    spread: float = 0.72
    """Width of a splat (standard deviation) over the distance to its neighbours."""
    floaters: float = 0.01
    """Fraction of splats that hang in the air, nearly transparent, and belong to nothing (truth -1)."""
    straddling: float = 0.014
    """Fraction of splats drawn much wider than their neighbours, so that they reach over borders."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_choice(self, "layout", get_args(Layout))
        check_whole(self, "seed", least=0, most=LARGEST_SEED)
        check_whole(self, "objects", "test_views", "fewest", least=0)
        check_whole(self, "gaussians", "views", "width", "height", least=1)
        check_real(self, "fov_degrees", above=0, below=180)
        check_real(self, "detail", "flatness", "spread", above=0)
        check_real(self, "jitter", least=0)
        check_real(self, "floaters", "straddling", least=0, most=1)


@dataclass(frozen=True)
class MaskNoise:
    """How per-view masks differ from the truth, in the ways of a 2-D segmenter. Ids never agree between views.

    Every instance meets one fate a view: missing, merged, split or whole, with these probabilities.
    """

    split: float = 0.25
    """Fraction that fall into pieces: along the parts of the object, or along random lines."""
    missing: float = 0.10
    """Fraction without any mask."""
    merge: float = 0.10
    """Fraction that share one mask with a touching neighbour."""
    wobble: float = 1.0
    """Typical distance by which mask borders stray, pixels."""
    pieces: int = 4
    """Most pieces that lines cut walls and other things into that fill an eighth of the picture; small ones: 3."""
    persistence: float = 0.3
    """0: fates are drawn anew in each view; 1: an instance has the same one in all. Like views bring like errors."""
    smallest: int = 14
    """Masks of fewer pixels are dropped, as segmenters do."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense, and for fates that are more than certain together."""
        check_real(self, "split", "missing", "merge", "persistence", least=0, most=1)
        check_real(self, "wobble", least=0)
        check_whole(self, "pieces", "smallest", least=1)
        if self.split + self.missing + self.merge > 1:
            total = f"{self.split:g} + {self.missing:g} + {self.merge:g}"
            raise ValueError(f"split + missing + merge: is {total}, must be at most 1")


@overload
def preset(
    name: Literal["room", "hard", "flat", "scan_spoilt", "scan_spoilt_few"], seed: int = 0
) -> tuple[RoomConfig, MaskNoise]: ...
@overload
def preset(name: Literal["scan", "scan_few"], seed: int = 0) -> tuple[RoomConfig, ScanNoise]: ...
@overload
def preset(name: Preset, seed: int = 0) -> tuple[RoomConfig, MaskNoise | ScanNoise]: ...
def preset(name: Preset, seed: int = 0) -> tuple[RoomConfig, MaskNoise | ScanNoise]:
    """The configurations that scenes are known by.

    ``scan``: a flat scanned by hand in 80 + 8 views of a 60 degree lens, with masks that fail as Segment Anything's do
    (`ScanNoise`). ``scan_few``: the same in 40 + 8 views. The others have masks of the truth, spoilt (`MaskNoise`):

    ``room``: one room, 48 + 8 views. ``hard``: the same with masks split at 40 % and missing at 25 %. ``flat``: like a
    ScanNet scan: 3 to 5 rooms in 80 + 8 views of a narrower lens, a splat seen by about nine of them, masks broken up.

    ``scan_spoilt``: homes and views of ``scan`` with masks spoilt as those of ``flat``; ``scan_spoilt_few``: those of
    ``scan_few`` with masks spoilt as those of ``hard``.
    """
    room = RoomConfig(seed=seed)
    hard = MaskNoise(split=0.40, missing=0.25)
    broken = MaskNoise(split=0.30, missing=0.15, merge=0.10, pieces=6, persistence=0.5)
    if name == "room":
        return room, MaskNoise()
    if name == "hard":
        return room, hard
    if name.startswith("scan"):
        scan = replace(
            room,
            layout="scan",
            objects=26,
            gaussians=130_000,
            views=40 if name.endswith("few") else 80,
            fov_degrees=60.0,
            detail=0.8,
            fewest=120,
            flatness=0.4,
            jitter=0.12,
            spread=0.62,
        )
        noises = {"scan_spoilt": broken, "scan_spoilt_few": hard}
        return scan, noises.get(name, ScanNoise())
    flat = replace(
        room,
        layout="flat",
        objects=36,
        gaussians=150_000,
        views=80,
        fov_degrees=70.0,
        detail=0.8,
        fewest=120,
        flatness=0.4,
        jitter=0.12,
        spread=0.62,
    )
    return flat, broken
