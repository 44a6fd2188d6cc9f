"""Measured figures beside the committed ones, as text."""

import json
from collections.abc import Mapping
from importlib import resources

from gsseg.bench.results import Part, Result


def load_baseline() -> Result:
    """The committed result of `run_bench`, measured on the machine that it describes."""
    text = resources.files("gsseg.bench").joinpath("baseline.json").read_text(encoding="utf-8")
    return Result.from_json(json.loads(text))


def table(result: Result, baseline: Result | None = None) -> str:
    """Lines of text: for each part every figure in milliseconds, every ratio and quality, beside the baseline's.

    Figures compare only on one machine; ratios compare anywhere. A part that was measured on other counts than the
    baseline's compares with nothing.
    """
    lines = []
    for part in result.parts:
        known = None if baseline is None else baseline.part(part.name)
        comparable = known is not None and dict(known.counts) == dict(part.counts)
        counts = ", ".join(f"{value} {label}" for label, value in part.counts.items())
        lines += [f"{part.name}: {counts}", *_rows(part, known if comparable else None)]
    return "\n".join([*lines, f"peak memory {result.peak_memory_mb:.0f} MiB"])


def _rows(part: Part, known: Part | None) -> list[str]:
    times = {} if known is None else {figure.name: figure.minimum for figure in known.figures}
    ratios = {} if known is None else {ratio.name: ratio.value for ratio in known.ratios}
    quality: Mapping[str, float] = {} if known is None else known.quality
    return [
        _row("", "min", "median", "baseline"),
        *(
            _row(f.name, _milliseconds(f.minimum), _milliseconds(f.median), _milliseconds(times.get(f.name)))
            for f in part.figures
        ),
        *(_row(ratio.name, _times(ratio.value), "", _times(ratios.get(ratio.name))) for ratio in part.ratios),
        *(_row(name, _plain(value), "", _plain(quality.get(name))) for name, value in part.quality.items()),
    ]


def _row(name: str, *cells: str) -> str:
    return f"  {name:<60}" + "".join(f"{cell:>13}" for cell in cells).rstrip()


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1e3 * seconds:.2f} ms"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f} x"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
