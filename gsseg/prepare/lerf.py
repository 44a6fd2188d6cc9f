"""LERF-OVS: photos, COLMAP model, LangSplat's masks, and polygons of what texts mean in a few frames.

lerf_ovs/<scene>/images, sparse/0, language_features
lerf_ovs/label/<scene>/frame_00041.json     info: name, width, height; objects: category, segmentation [[x, y], ...]
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from jaxtyping import Bool
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.prompt_truth import write_queries
from gsseg.files.json_file import read_json_object
from gsseg.io.langsplat import MASKS, VECTORS
from gsseg.io.numbers import LARGEST_OFFSET, brief, real_number, whole_number
from gsseg.io.picture import LONGEST_SIDE, check_size
from gsseg.prepare.held_out import check_view, colmap_cameras, copy_scene
from gsseg.prepare.new_scene import Prepared, new_scene
from gsseg.prepare.polygons import fill_polygons
from gsseg.scene import Camera

Progress = Callable[[str, int, int], None]
_AGAIN = "copy the labels again"
MOST_PIXELS = 40_000_000
"""Of a labelled frame; LERF's have less than one million."""
Polygon = list[tuple[float, float]]


def prepare_lerf(
    raw: Path, out: Path, labels: Path | None = None, link: bool = False, progress: Progress = lambda *_: None
) -> Prepared:
    """Makes a SCENE from one scene's folder and its labels.

    ``labels``: their folder; without it ``../label/<scene>``, else ``label`` in the scene. Polygons of one category are
    one text's. The frames with labels keep their photo and lose their masks: whoever trains on masks never sees them,
    and ``gt/test_views.json`` names them for whoever trains on photos. ``link``: photos and masks become second names
    of the same files. Raises `InputError` where something is missing or damaged.
    """
    with new_scene(out, raw) as scene:
        folder = _label_folder(raw) if labels is None else labels
        files = sorted(folder.glob("*.json")) if folder.is_dir() else []
        if not files:
            raise InputError(folder, "holds no labels (frame_00041.json)", "give their folder: --labels DIR")
        cameras = colmap_cameras(raw)
        held_out, masks = {file.stem for file in files}, ("language_features", (MASKS, VECTORS))
        counts = copy_scene(raw, scene, masks, held_out, link, progress)
        (scene / "gt").mkdir()
        queries = write_queries(scene / "gt", _queries(files, cameras, progress))
        counts |= {"annotated frames": len(files), "texts": len(queries)}
    return Prepared(out, counts)


def _label_folder(raw: Path) -> Path:
    beside = raw.resolve().parent / "label" / raw.resolve().name
    return beside if beside.is_dir() else raw / "label"


def _queries(
    files: list[Path], cameras: dict[str, Camera], progress: Progress
) -> Iterator[tuple[str, str, Bool[ndarray, "height width"]]]:
    for done, file in enumerate(files):
        width, height, objects = read_frame(file)
        check_view(file, file.stem, width, height, cameras)
        for category, polygons in objects.items():
            pixels = fill_polygons(polygons, width, height)
            if not pixels.any():
                raise InputError(file, f"{category!r} covers no pixel", _AGAIN)
            yield file.stem, category, pixels
        progress("labels", done + 1, len(files))


def read_frame(file: Path) -> tuple[int, int, dict[str, list[Polygon]]]:
    """Width, height, and the polygons of each category of one frame; `InputError` where the file is damaged."""
    content = read_json_object(file, _AGAIN)
    info, objects = content.get("info"), content.get("objects")
    if not isinstance(info, dict) or not isinstance(objects, list) or not objects:
        raise InputError(file, "has no info or no objects", _AGAIN)
    width, height = (
        whole_number(file, f"info: {key}", info.get(key), _AGAIN, least=1, most=LONGEST_SIDE)
        for key in ("width", "height")
    )
    check_size(file, width, height)
    if width * height > MOST_PIXELS:
        most = f"at most {MOST_PIXELS // 10**6} million are read"
        raise InputError(file, f"is of a picture of {width} x {height} pixels; {most}", _AGAIN)
    found: dict[str, list[Polygon]] = {}
    for number, each in enumerate(objects):
        category = each.get("category") if isinstance(each, dict) else None
        if not isinstance(category, str) or not category.strip():
            raise InputError(file, f"objects[{number}] has no category", _AGAIN)
        found.setdefault(category.strip(), []).append(_polygon(file, f"objects[{number}]", each.get("segmentation")))
    return width, height, found


def _polygon(file: Path, where: str, points: object) -> Polygon:
    if not isinstance(points, list) or not points:
        raise InputError(file, f"{where} has no segmentation", _AGAIN)
    polygon = []
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise InputError(file, f"{where} has the vertex {brief(point)}, not [x, y]", _AGAIN)
        x, y = (
            real_number(file, f"{where}: a coordinate", value, _AGAIN, least=-LARGEST_OFFSET, most=LARGEST_OFFSET)
            for value in point
        )
        polygon.append((x, y))
    return polygon
