"""What a benchmark found, as values: they go to JSON and come back equal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """How long one thing takes."""

    name: str
    """What was timed."""
    minimum: float
    """Seconds, the least of the rounds: the one that the rest of the machine disturbed least."""
    median: float
    """Seconds, of the rounds."""

    @staticmethod
    def of(name: str, seconds: Sequence[float]) -> "Figure":
        """From the seconds of all rounds."""
        return Figure(name, min(seconds), float(np.median(seconds)))


@dataclass(frozen=True)
class Ratio:
    """How many times one value is another, both of one run: what can be compared between machines."""

    name: str
    """The two, the greater one first where it is known."""
    value: float
    """Without a unit."""

    @staticmethod
    def of(name: str, slower: Figure, faster: Figure) -> "Ratio":
        """Of the least seconds of two figures."""
        return Ratio(name, slower.minimum / faster.minimum)


@dataclass(frozen=True)
class Part:
    """Everything measured on one set of data."""

    name: str
    """What was measured, with its size where a suite has several."""
    counts: Mapping[str, int]
    """The sizes that were chosen, by name; parts compare where these are equal."""
    figures: tuple[Figure, ...]
    """Times."""
    ratios: tuple[Ratio, ...]
    """Ratios of times, or of bytes or errors where the name says so."""
    quality: Mapping[str, float]
    """What came out besides time, by name: errors, bytes, recall, entries of a matrix."""

    def to_json(self) -> dict[str, Any]:
        """The part without its name, as values that JSON knows."""
        return {
            "counts": dict(self.counts),
            "seconds": {figure.name: {"min": figure.minimum, "median": figure.median} for figure in self.figures},
            "ratios": {ratio.name: ratio.value for ratio in self.ratios},
            "quality": dict(self.quality),
        }

    @staticmethod
    def from_json(name: str, found: Mapping[str, Any]) -> "Part":
        """What `to_json` gave; KeyError where something is missing."""
        return Part(
            name,
            dict(found["counts"]),
            tuple(Figure(figure, times["min"], times["median"]) for figure, times in found["seconds"].items()),
            tuple(Ratio(ratio, value) for ratio, value in found["ratios"].items()),
            dict(found["quality"]),
        )


@dataclass(frozen=True)
class Machine:
    """What seconds depend on."""

    cores: int
    """Processors that the process might use."""
    processor: str
    """Kind of processor."""
    python: str
    """Version."""
    torch: str
    """Version."""
    gsseg: str
    """Version."""
    gpu: str = ""
    """Name of the GPU that was measured too; empty where none was."""


@dataclass(frozen=True)
class Result:
    """One run of the benchmark suite."""

    machine: Machine
    """Where it ran."""
    parts: tuple[Part, ...]
    """In the order in which they were measured; no two have one name."""
    peak_memory_mb: float
    """The most memory the process ever had, MiB."""

    def part(self, name: str) -> Part | None:
        """The part of that name, if it was measured."""
        return next((part for part in self.parts if part.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """As values that JSON knows: ``machine``, ``parts`` (by name) and ``peak_memory_mb``."""
        return {
            "machine": asdict(self.machine),
            "parts": {part.name: part.to_json() for part in self.parts},
            "peak_memory_mb": self.peak_memory_mb,
        }

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> "Result":
        """What `to_json` gave; KeyError where something is missing."""
        parts = tuple(Part.from_json(name, part) for name, part in found["parts"].items())
        return Result(Machine(**found["machine"]), parts, found["peak_memory_mb"])
