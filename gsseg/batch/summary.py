"""Scores of many scenes as one table: a row a scene, the mean over scenes below."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gsseg.files import whole_file

COUNTS = ("objects", "instances", "queries", "classes")
"""Numbers in a result that say how many there are, not how good it is."""


@dataclass(frozen=True)
class SceneResult:
    """How one scene stands."""

    scene: str
    """Its name."""
    failed: str
    """Label of the step that failed; empty: none."""
    error: str
    """Why, in one line."""
    seconds: Mapping[str, float]
    """Of each step that was run, by its label."""
    results: Mapping[str, Mapping[str, Any]]
    """What each evaluation said, by its label."""

    def scores(self) -> dict[str, float]:
        """Scores by name; of several evaluations, NAME.SCORE. A protocol's own mean is over what is in the scene."""
        found = {}
        for label, result in self.results.items():
            prefix = "" if label == "eval" else f"{label.removeprefix('eval-')}."
            for name, value in result.items():
                if type(value) in (int, float) and name not in COUNTS and math.isfinite(value):
                    found[prefix + name] = float(value)
        return found


@dataclass(frozen=True)
class Summary:
    """All scenes of a batch, in the order of its list."""

    scenes: tuple[SceneResult, ...]
    """One a scene."""

    @property
    def failed(self) -> list[SceneResult]:
        """Scenes that have a step which failed."""
        return [each for each in self.scenes if each.failed]

    @property
    def names(self) -> list[str]:
        """Every score that some scene has, in the order of the evaluations."""
        return list(dict.fromkeys(name for each in self.scenes for name in each.scores()))

    def means(self) -> dict[str, tuple[float, int]]:
        """Mean of each score over the scenes that have it, each counting once, and how many those are."""
        rows = [each.scores() for each in self.scenes]
        columns = {name: [row[name] for row in rows if name in row] for name in self.names}
        return {name: (float(np.mean(values)), len(values)) for name, values in columns.items()}

    def table(self) -> list[list[str]]:
        """Heading, scenes, and the mean, with three digits behind the point; a dash where there is no score."""
        names, means = self.names, self.means()
        rows = [["scene", *names]]
        for each in self.scenes:
            scores = each.scores()
            name = f"{each.scene} ({each.failed} failed)" if each.failed else each.scene
            rows.append([name, *(f"{scores[column]:.3f}" if column in scores else "-" for column in names)])
        over = {count for _, count in means.values()}
        label = f"mean of {max(over)}" if len(over) == 1 else "mean"
        cells = [f"{mean:.3f}" + (f" ({count})" if len(over) > 1 else "") for mean, count in means.values()]
        return [*rows, [label, *cells]] if names else rows

    def values(self) -> dict[str, Any]:
        """As JSON takes it."""
        rows = [{**asdict(each), "scores": each.scores()} for each in self.scenes]
        means = {name: {"mean": mean, "scenes": count} for name, (mean, count) in self.means().items()}
        return {"scenes": rows, "means": means, "failed": [each.scene for each in self.failed]}

    def write(self, folder: Path) -> None:
        """summary.json, summary.md and summary.csv."""
        heading, *rows = self.table()
        lines = [heading, ["---"] * len(heading), *rows]
        texts = {
            "summary.json": json.dumps(self.values(), indent=1) + "\n",
            "summary.md": "".join(f"| {' | '.join(row)} |\n" for row in lines) + self._failures(),
            "summary.csv": self._csv(),
        }
        for name, text in texts.items():
            with whole_file(folder / name) as path:
                path.write_text(text, encoding="utf-8", newline="")

    def _failures(self) -> str:
        return "".join(f"\n{each.scene}, {each.failed}: {each.error}\n" for each in self.failed)

    def _csv(self) -> str:
        stream, names = io.StringIO(), self.names
        labels = list(dict.fromkeys(label for each in self.scenes for label in each.seconds))
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["scene", "failed", *names, *(f"seconds.{label}" for label in labels)])
        for each in self.scenes:
            scores = each.scores()
            cells = [scores.get(name, "") for name in names] + [each.seconds.get(label, "") for label in labels]
            writer.writerow([each.scene, each.failed, *cells])
        return stream.getvalue()
