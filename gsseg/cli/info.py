"""``gsseg info``: what a file or a folder holds, and what is wrong with it."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from gsseg.cli.command import Command, parse_command
from gsseg.cli.run_folder import scored
from gsseg.codebook import Codes
from gsseg.compressed.file import SUFFIX
from gsseg.compressed.summary import summarize_compressed
from gsseg.errors import InputError
from gsseg.files import entries
from gsseg.ids import NO_CODE
from gsseg.io.summary import Rows, summarize_scene, summarize_splats
from gsseg.run import Run, RunLayout
from gsseg.run.metrics import read_metrics


@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Tell what a PLY, a SCENE, a RUN or a scene.gsseg holds, and what is wrong with it (then the status is 2)."""

    path: tyro.conf.Positional[Path]
    """A splat file, a SCENE, a RUN or a scene.gsseg."""

    def execute(self) -> None:
        """Prints label and value, one pair a line."""
        rows = _describe(self.path)
        fault = dict(rows).get("wrong")
        self.output.table([row for row in rows if row[0] != "wrong"])
        gathered = defaultdict(list)
        for label, value in rows:
            gathered[label].append(value)
        self.output.finish({label: values[0] if len(values) == 1 else values for label, values in gathered.items()})
        if fault is not None:
            raise InputError(*fault.split(": ", 1))


def _describe(path: Path) -> Rows:
    if path.is_dir() and (RunLayout(path).finished or (entries(path) and RunLayout(path).holds_only_a_run())):
        return summarize_run(path)
    if path.suffix == SUFFIX:
        return summarize_compressed(path)
    return summarize_scene(path) if path.is_dir() else summarize_splats(path)


def summarize_run(path: Path) -> Rows:
    """Label and value of everything worth knowing about a finished run; `InputError` where it is not finished."""
    run = Run.open(path)
    with run.watched() as check_unchanged:
        rows = _rows(path, run)
        check_unchanged()
    return rows


def _rows(path: Path, run: Run) -> Rows:
    metrics = read_metrics(RunLayout(path).metrics)
    counts, seconds = metrics["counts"], metrics["seconds"]
    there = sorted((each for each in run.objects if each.gaussians), key=lambda each: -each.gaussians)
    rows = [("run", str(path)), ("objects", str(len(there)))]
    rows += [(name.replace("_", " "), str(value)) for name, value in counts.items() if name != "objects"]
    rows += [("codes in use", _used_codes(run.codebook))] if run.codebook is not None else []
    rows += [(scored(name), f"{value:.3f}") for name, value in metrics["scores"].items() if isinstance(value, float)]
    rows += [("seconds", ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()))]
    rows += [("memory", f"{metrics['peak_rss_mb']:.0f} MB at most")]
    for each in there[:12]:
        size = " x ".join(f"{high - low:.3g}" for low, high in zip(each.bbox_min, each.bbox_max, strict=True))
        line = f"{each.name}: {each.gaussians} Gaussians, {len(each.codes)} codes, {size}, views: {each.views}"
        stale = " before it was edited" if each.edited else ""
        rows.append((f"object {each.id}", f"{line}, agreement {each.agreement:.2f}{stale}"))
    if len(there) > 12:
        rows.append(("...", f"{len(there) - 12} smaller ones in {RunLayout(path).objects}"))
    return rows


def _used_codes(codes: Codes) -> str:
    """How many coarse and fine codes some Gaussian has, of those that there are."""
    levels = (("coarse", codes.coarse, codes.coarse_codebook), ("fine", codes.fine, codes.fine_codebook))
    used = {name: len(torch.unique(of[of != NO_CODE])) for name, of, _ in levels}
    return ", ".join(f"{used[name]} of {len(codebook)} {name}" for name, _, codebook in levels)


def parse(args: list[str]) -> Info:
    """Options of ``gsseg info``."""
    return parse_command("info", Info, args)
