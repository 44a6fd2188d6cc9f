"""The one loop that times things."""

import time
from collections.abc import Callable, Mapping

from gsseg.bench.results import Figure

Progress = Callable[[str, int, int], None]
"""Told what is measured, rounds done and rounds."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def interleaved(
    runs: Mapping[str, Callable[[], object]], repeats: int, stage: str, progress: Progress, warm_up: bool = True
) -> dict[str, Figure]:
    """Times every run ``repeats`` times, all runs in turns.

    Interleaving spreads whatever else the machine does over all figures alike, so their ratios hold where single
    figures do not. With ``warm_up`` each runs once before, untimed: it compiles, and fills the caches.
    """
    if warm_up:
        for run in runs.values():
            run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for done in range(repeats):
        progress(stage, done, repeats)
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    progress(stage, repeats, repeats)
    return {name: Figure.of(name, values) for name, values in seconds.items()}
