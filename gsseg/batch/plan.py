"""A list of scenes and what is done with each, as a file says it.

    scenes: [scene0000_00, scene0062_00]           # or {teatime: {raw: /data/teatime}}: a scene with values of its own
    values: {scans: /data/scannet}                 # what stands for {scans} below
    prepare: scannet {scans}/{name} {scene} --every 20
    splats: -s {scene} --freeze-points
    masks: -s {scene} --model /models/sam2
    train: -s {scene} -m {run}
    compress: -m {run} --language {scene}
    eval: {instances: -m {run} --gt {scene}/gt --protocol scannet-instance}    # or one line: a single evaluation
    cpus: {train: 2}                               # a stage's processors (1), for engines that count them
    gpus: {masks: 1, train: 0.5}                   # a stage's GPUs, whole or a share of one (one, where there is any)

YAML or JSON. Each stage is the options of the command of that name; a stage that is not there is left out. {name},
{scene} and {run} stand for the scene's name and its folders OUT/NAME/scene and OUT/NAME/run. Paths are relative to the
file.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from gsseg.errors import InputError
from gsseg.files.yaml_file import read_yaml_object

STAGES = ("prepare", "splats", "masks", "train", "compress", "name", "eval")
"""Commands, in the order in which they are run."""

MOST_SCENES, MOST_STEPS = 10_000, 50
"""Of a list, and of a scene."""

TAKE_A_CARD = ("splats", "masks", "train", "compress", "eval")
"""Stages that a GPU makes faster: they take one where there is one, unless the list says otherwise."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_PLACE = re.compile(r"\{(\w+)\}")
_OWN = ("name", "scene", "run")
_MEND = "write scenes: [a, b] and the options of each stage, as docs/datasets.md shows"


@dataclass(frozen=True)
class Step:
    """One command of one scene."""

    stage: str
    """A name of `STAGES`."""
    label: str
    """The stage, or ``eval-NAME`` where there are several evaluations: what its files are named after."""
    words: tuple[str, ...]
    """The command line after ``gsseg``."""
    cpus: float
    """Processors that it takes."""
    gpus: float | None
    """GPUs that it takes; None: one where there is any."""


@dataclass(frozen=True)
class BatchPlan:
    """What is done with which scenes."""

    folder: Path
    """Where relative paths start: the list's own."""
    out: Path
    """Folder of all results."""
    scenes: Mapping[str, tuple[Step, ...]]
    """Steps of each scene, in order."""

    @staticmethod
    def read(path: Path, out: Path) -> "BatchPlan":
        """Reads a list; `InputError` naming what is wrong with it."""
        value = read_yaml_object(path, _MEND)
        known = {"scenes", "values", "cpus", "gpus", *STAGES}
        odd = [key for key in value if key not in known]
        if odd:
            raise InputError(path, f"has {odd[0]!r}, which is none of {', '.join(sorted(known))}", _MEND)
        lines = [(stage, *line) for stage in STAGES if stage in value for line in _lines(path, stage, value[stage])]
        if not 0 < len(lines) <= MOST_STEPS:
            raise InputError(path, f"has {len(lines)} stages, must have 1 to {MOST_STEPS}", _MEND)
        shared = _values(path, "values", value.get("values", {}))
        cpus, gpus = (_counts(path, kind, value.get(kind, {})) for kind in ("cpus", "gpus"))
        odd = [f"{stage}: {each:g}" for stage, each in gpus.items() if each > 1 and each != round(each)]
        if odd:
            raise InputError(path, f"has gpus of {odd[0]}", "give a share of one, such as 0.5, or whole ones")
        out = out.absolute()
        scenes = {}
        for name, own in _scenes(path, value.get("scenes")).items():
            places = {"name": name, "scene": str(out / name / "scene"), "run": str(out / name / "run")}
            values = {**shared, **own, **places}
            scenes[name] = tuple(
                _step(stage, label, _filled(path, label, line, values), cpus, gpus) for stage, label, line in lines
            )
        return BatchPlan(path.absolute().parent, out, scenes)


def _step(stage: str, label: str, words: list[str], cpus: dict[str, float], gpus: dict[str, float]) -> Step:
    """A step with what it takes."""
    on_card = stage in TAKE_A_CARD and "--device=cpu" not in words and ("--device", "cpu") not in pairwise(words)
    return Step(stage, label, (stage, *words), cpus.get(stage, 1.0), gpus.get(stage, None if on_card else 0.0))


def _lines(path: Path, stage: str, value: Any) -> list[tuple[str, str]]:
    """Label and options of each command of a stage."""
    if stage == "eval" and isinstance(value, dict):
        rows = list(value.items())
        wrong = [key for key, line in rows if not _is_name(key) or not isinstance(line, str)]
        if wrong or not rows:
            raise InputError(path, f"has {wrong[:1] or 'nothing'} under eval", 'write eval: {NAME: "-m {run} ..."}')
        return [(f"eval-{key}", line) for key, line in rows]
    if not isinstance(value, str):
        raise InputError(path, f"has no text of options as {stage}", f"write {stage}: and the options as one text")
    return [(stage, value)]


def _scenes(path: Path, value: Any) -> dict[str, dict[str, str]]:
    rows = {key: {} for key in value} if isinstance(value, list) and all(map(_is_name, value)) else value
    if not isinstance(rows, dict) or not 0 < len(rows) <= MOST_SCENES:
        raise InputError(path, f"has no list of 1 to {MOST_SCENES:,} scenes", _MEND)
    if isinstance(value, list) and len(rows) < len(value):
        raise InputError(path, "names a scene twice", "name each once")
    for name in rows:
        if not _is_name(name):
            raise InputError(path, f"has the scene {name!r}", "name scenes by letters, digits, '_', '-' and '.'")
    if len({name.lower() for name in rows}) < len(rows):
        raise InputError(path, "has two scenes whose names differ in case alone", "their folders would be one: rename")
    return {name: _values(path, name, own or {}) for name, own in rows.items()}


def _values(path: Path, where: str, value: Any) -> dict[str, str]:
    kinds = isinstance(value, dict) and all(
        isinstance(key, str) and _PLACE.fullmatch(f"{{{key}}}") and type(each) in (str, int, float)
        for key, each in value.items()
    )
    if not kinds:
        raise InputError(path, f"has values of {where} that are no texts or numbers", "write {raw: /data/scene}")
    own = [key for key in value if key in _OWN]
    if own:
        raise InputError(path, f"sets {{{own[0]}}}, which stands for the scene's own", "call it otherwise")
    return {key: str(each) for key, each in value.items()}


def _counts(path: Path, kind: str, value: Any) -> dict[str, float]:
    sound = isinstance(value, dict) and all(
        key in STAGES and type(each) in (int, float) and 0 <= each <= 1024 for key, each in value.items()
    )
    if not sound:
        raise InputError(path, f"has {kind} that are no numbers of stages", f"write {kind}: {{train: 2}}")
    return {key: float(each) for key, each in value.items()}


def _filled(path: Path, label: str, line: str, values: Mapping[str, str]) -> list[str]:
    """The words of a line with values in their places; a value with spaces stays one word."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InputError(path, f"has options of {label} that cannot be read ({error})", "close its quotes") from error
    missing = [each for word in words for each in _PLACE.findall(word) if each not in values]
    if missing:
        raise InputError(path, f"uses {{{missing[0]}}} in {label}, which has no value", "set it under values")
    if any("\0" in word for word in [*words, *values.values()]):
        raise InputError(path, f"has a zero byte in {label}", "leave it out")
    return [_PLACE.sub(lambda place: values[place[1]], word) for word in words]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
