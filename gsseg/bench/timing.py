"""The one loop that times things."""

import time
from collections.abc import Callable, Mapping

import torch

from gsseg.bench.results import Figure

Progress = Callable[[str, int, int], None]
"""Told what is measured, rounds done and rounds."""

CPU = torch.device("cpu")

SPAN = 0.3
"""Seconds for which a figure is run in every round, if one call takes less."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def interleaved(
    runs: Mapping[str, Callable[[], object]],
    repeats: int,
    stage: str,
    progress: Progress,
    once: bool = False,
    device: torch.device = CPU,
) -> dict[str, Figure]:
    """Seconds of a call of every run, measured in ``repeats`` rounds of all runs.

    Rounds spread whatever else the machine does over all figures alike. Inside a round a run is called for at least
    `SPAN` and its mean is taken: a call of a few milliseconds often falls between two disturbances, one of seconds
    never does, and their ratio would say more of the neighbours than of the two. Before the first round each runs once
    untimed: it compiles, and fills the caches. ``once``: a single call a round, and none before. ``device``: where the
    work is done; a GPU says itself when.
    """
    if not once:
        for run in runs.values():
            run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for done in range(repeats):
        progress(stage, done, repeats)
        for name, run in runs.items():
            seconds[name].append(seconds_of(run, device, 0.0 if once else SPAN))
    progress(stage, repeats, repeats)
    return {name: Figure.of(name, values) for name, values in seconds.items()}


def seconds_of(run: Callable[[], object], device: torch.device = CPU, span: float = 0.0) -> float:
    """Seconds of a call, the mean over so many that they take ``span``.

    A GPU works on while the host has gone on: there events before and behind say how long it took.
    """
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if device.type == "cuda" else []
    started, calls = time.perf_counter(), 0
    if events:
        events[0].record()
    while True:
        run()
        calls += 1
        if events:
            events[1].record()
            events[1].synchronize()
        elapsed = time.perf_counter() - started
        if elapsed >= span:
            return (events[0].elapsed_time(events[1]) / 1e3 if events else elapsed) / calls
