"""A made scene on disk, in the layout of a SCENE folder with ground truth."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files.folder import whole_folder
from gsseg.files.json_file import read_json_object
from gsseg.io.ply import write_splats
from gsseg.io.write_transforms import transforms_of
from gsseg.sample import cameras, degrade
from gsseg.sample.cast import Seen, look, photograph
from gsseg.sample.config import MaskNoise, RoomConfig
from gsseg.sample.flat import furnish_flat
from gsseg.sample.placement import Home, Item
from gsseg.sample.room import furnish_room
from gsseg.sample.scan import furnish_scan
from gsseg.sample.scan_noise import ScanNoise
from gsseg.sample.segmenter import Habits, segment
from gsseg.sample.shading import measure_gloom
from gsseg.sample.shake import shaken
from gsseg.sample.splats import make_splats, ply_columns
from gsseg.sample.sweep import sweep
from gsseg.sample.world import World, make_world
from gsseg.scene import Camera
from gsseg.threads import run_all, thread_count

Noise = MaskNoise | ScanNoise
"""Masks of the truth, spoilt, or masks cut out of the photos."""
Exposure = Callable[[int, Seen, ndarray, np.random.Generator], tuple[ndarray, ndarray | None]]
"""Number, rays, sharp photo and random numbers of a training view -> its photo, and its masks where it has any."""
Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much of it is done, and of how much."""
_ENOUGH_VIEWS, _ENOUGH_PIXELS = 3, 30
"""A small thing stays only if it covers this many pixels (of a 320 x 240 picture) in this many training views."""


def write_room(
    out: Path | str, config: RoomConfig, noise: Noise, progress: Progress | None = None, *, splats: bool = True
) -> Path:
    """Makes a scene and writes it to the folder ``out``, which must not exist or be empty.

    Writes ``transforms.json``, ``images/``, ``masks/`` (training views only), ``splats.ply`` and ``gt/``:
    ``gaussian_instance.npy`` (int32, -1 = none), ``ids/`` (uint16, instance + 1), ``names.json``, ``test_views.json``,
    ``scene.json`` (configuration, and each instance's name and design: copies share a design). Without ``splats``
    neither those nor ``gaussian_instance.npy``: somebody else learns them from the photos, which are the same. The same
    configuration gives the same bytes. Nothing appears until all of it is there. Raises `InputError` where the folder
    holds something already, and where the file system refuses.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is not an empty folder", "choose another one")
    with whole_folder(out) as beside:
        _write(beside, config, noise, splats, progress or (lambda *_: None))
    return out


def holds_room(out: Path | str, config: RoomConfig, noise: Noise) -> bool:
    """Whether the folder is what `write_room` would make from the same configuration."""
    try:
        found = read_json_object(Path(out) / "gt" / "scene.json", "")
    except InputError:
        return False
    return found.get("config") == asdict(config) and found.get("noise") == asdict(noise)


def _write(out: Path, config: RoomConfig, noise: Noise, with_splats: bool, progress: Progress) -> None:
    home, cams = furnished(config)
    rng = np.random.default_rng([config.seed, 2])
    world = make_world(home)
    gloom = measure_gloom(world, rng)
    held_out = set(cameras.test_rows(config))
    names = [f"view_{k:03d}" for k in range(len(cams))]
    expose = _exposure(world, noise, config, rng)
    for folder in ("images", "masks", "gt/ids"):
        (out / folder).mkdir(parents=True)

    def take(k: int) -> Seen:
        seen = look(world, cams[k])
        view_rng = np.random.default_rng([config.seed, 3, k])  # so that a view does not depend on those before
        picture, masks = photograph(world, gloom, seen, view_rng), None
        if k not in held_out:
            picture, masks = expose(k, seen, picture, view_rng)
        _save(out / "images" / f"{names[k]}.png", picture)
        _save(out / "gt" / "ids" / f"{names[k]}.png", (seen.instances + 1).astype(np.uint16))
        if masks is not None:
            _save(out / "masks" / f"{names[k]}.png", masks)
        return seen

    views: list[Seen] = []
    while len(views) < len(cams):
        progress("views", len(views), len(cams))
        batch = range(len(views), min(len(views) + thread_count(), len(cams)))
        views += run_all([lambda k=k: take(k) for k in batch])
    description = _description(home, config, noise)
    if with_splats:
        training = [seen for k, seen in enumerate(views) if k not in held_out]
        progress("splats", 0, 1)
        splats = make_splats(world, gloom, training, config, rng)
        write_splats(out / "splats.ply", ply_columns(splats))
        np.save(out / "gt" / "gaussian_instance.npy", splats.instance)
        description["median_views_seeing_a_gaussian"] = float(np.median(splats.views_seeing))
        progress("splats", 1, 1)
    _save_json(out / "transforms.json", transforms_of(cams, [f"images/{name}.png" for name in names]))
    _save_json(out / "gt" / "test_views.json", [names[k] for k in sorted(held_out)])
    _save_json(out / "gt" / "names.json", {str(row): item.name for row, item in enumerate(home.items)})
    _save_json(out / "gt" / "scene.json", description)


def _exposure(world: World, noise: Noise, config: RoomConfig, rng: np.random.Generator) -> Exposure:
    """How the photos of training views are spoilt and masked."""
    if isinstance(noise, MaskNoise):
        fates = degrade.draw_fates(len(world.positions), rng)
        return lambda k, seen, picture, view_rng: (picture, degrade.spoil(seen, fates, noise, view_rng))
    habits = Habits.draw(len(world.positions), int(world.part.max()) + 1, rng)
    # Blurred views and views without masks are dealt out, not drawn, so that a scene of few views has its share.
    training = rng.permutation(sorted(set(range(config.views + config.test_views)) - set(cameras.test_rows(config))))
    unmasked = set(training[: round(noise.unmasked_views * config.views)].tolist())
    blurred = set(training[::-1][: round(noise.blurred * config.views)].tolist())

    def exposed(k: int, seen: Seen, picture: ndarray, view_rng: np.random.Generator) -> tuple[ndarray, ndarray | None]:
        if k in blurred:
            picture = shaken(picture, noise.blur_pixels, view_rng)
        if k in unmasked:
            return picture, None
        return picture, segment(seen, picture, habits, noise, view_rng, blurred=k in blurred)

    return exposed


def furnished(config: RoomConfig) -> tuple[Home, list[Camera]]:
    """The home and its cameras, without those small things that hardly any camera sees."""
    rng = np.random.default_rng([config.seed, 0])
    home = Home(rng, [], 2.5)
    furnish = {"room": furnish_room, "flat": furnish_flat, "scan": furnish_scan}[config.layout]
    small = furnish(home, config.objects)
    cams = pose_cameras(home, config, np.random.default_rng([config.seed, 1]))
    quarter = replace(config, width=160, height=120)
    world = make_world(home)
    held_out = set(cameras.test_rows(config))
    views = np.zeros(len(home.items), np.int64)
    for k, camera in enumerate(cams):
        if k not in held_out:
            ids = look(world, camera.resized(quarter.width, quarter.height)).instances
            views += np.bincount(ids[ids >= 0], minlength=len(views)) * 4 >= _ENOUGH_PIXELS
    rows = {id(item): row for row, item in enumerate(home.items)}
    seen_enough = [item for item in small if views[rows[id(item)]] >= _ENOUGH_VIEWS]
    dropped = {id(item) for item in small} - {id(item) for item in seen_enough[: config.objects]}
    dropped |= {id(item) for item in home.items if not item.shell and views[rows[id(item)]] == 0}
    home.items = [item for item in home.items if id(item) not in dropped]
    return home, cams


def pose_cameras(home: Home, config: RoomConfig, rng: np.random.Generator) -> list[Camera]:
    """All views in the order in which they are taken; held-out ones lie evenly among them."""
    count = config.views + config.test_views
    if config.layout == "room":
        return cameras.round_room(home, config, count, rng)
    return cameras.room_by_room(home, config, count, rng, sweep if config.layout == "scan" else cameras.walk)


def _description(home: Home, config: RoomConfig, noise: Noise) -> dict:
    designs = {design: row for row, design in enumerate(dict.fromkeys(item.design for item in home.items))}

    def described(item: Item) -> dict:
        return {"name": item.name, "design": designs[item.design], "room": item.room}

    return {
        "config": asdict(config),
        "noise": asdict(noise),
        "instances": [described(item) for item in home.items],
    }


def _save(path: Path, picture: ndarray) -> None:
    Image.fromarray(picture).save(path, compress_level=3)


def _save_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
