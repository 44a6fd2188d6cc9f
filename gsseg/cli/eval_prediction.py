"""What ``gsseg eval`` scores: a run with what is known of its objects, or any tool's file of ids."""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate import ClassIds, ObjectNames, ObjectWords
from gsseg.io.scene_folder import load_scene
from gsseg.io.vertex_ids import read_vertex_ids
from gsseg.language.search import object_descriptors
from gsseg.language.text import TextModel
from gsseg.language.words import ObjectVectorWords
from gsseg.run import Run, RunLayout
from gsseg.run.settings import read_settings
from gsseg.scene import Scene


@dataclass(frozen=True, eq=False)
class Scored:
    """What is scored, and with what."""

    scene: Scene | None
    """None: ids alone were given."""
    object_ids: Int32[ndarray, " gaussians"]
    """Object of each Gaussian or vertex, -1 = none."""
    words: ObjectWords | None
    """Who knows what the objects are."""


def from_run(
    path: Path,
    scene: Path | None,
    names: Path | None,
    model: TextModel | None,
    relevancy: float | None,
    side: int | None,
) -> Scored:
    """A RUN, the scene that it was made from (or ``scene``), and its objects' names, vectors or the file ``names``."""
    run = Run.open(path)
    with run.watched() as check_unchanged:
        settings, object_ids, render = read_settings(RunLayout(path).settings), run.object_ids, run.render
        check_unchanged()
    # segmented.ply holds the same rows; it stands in where the original has been moved.
    splats = settings.splats if settings.splats.is_file() else run.file.path
    loaded = load_scene(scene or settings.scene, splats, max_side=side, render=render)
    if model is not None:
        return Scored(loaded, object_ids, _vectors(path, run, model, relevancy))
    if relevancy is not None:
        raise InputError(
            "--relevancy", "is a rule of language vectors", "give --clip MODEL or --text-vectors FILE, too"
        )
    if names is not None:
        return Scored(loaded, object_ids, ObjectNames.read(names, len(run.objects)))
    called = ((each.id, each.name) for each in run.objects)
    return Scored(loaded, object_ids, ObjectNames.of(path, called, len(run.objects)))


def from_file(
    path: Path,
    column: str | None,
    none: int,
    scene: Path | None,
    splats: Path | None,
    names: Path | None,
    is_class: bool,
    side: int | None,
) -> Scored:
    """Ids from a file. Without ``names`` they are NYU40's where ``is_class``, and nobody knows them otherwise."""
    ids = read_vertex_ids(path, column, none)
    loaded = None if scene is None else load_scene(scene, splats, max_side=side)
    if names is not None:
        return Scored(loaded, ids, ObjectNames.read(names, int(ids.max(initial=-1)) + 1))
    return Scored(loaded, ids, ClassIds() if is_class else None)


def _vectors(path: Path, run: Run, model: TextModel, relevancy: float | None) -> ObjectWords:
    if run.compressed is None or run.compressed.language is None:
        raise InputError(path, "has no language vectors", f"make them: gsseg compress -m {path} --clip MODEL")
    if relevancy is not None and not 0 <= relevancy <= 1:
        raise InputError("--relevancy", f"is {relevancy:g}, must be from 0 to 1", "LERF's neutral value is 0.5")
    return ObjectVectorWords(object_descriptors(run.compressed, model), model, relevancy)
