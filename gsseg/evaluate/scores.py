"""What a protocol measures: named numbers, each with its share of every instance, class or query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Metric:
    """One number that says how good a segmentation is."""

    name: str
    """In JSON: ``object_iou``."""
    label: str
    """For people: ``object IoU``."""
    value: float | None
    """0..1, higher is better; None: the ground truth does not tell."""
    by_instance: Mapping[int, float] = field(default_factory=dict)
    """The same of single instances of the ground truth, where it has a meaning for them."""


@dataclass(frozen=True)
class Scores:
    """How good a segmentation is under one protocol."""

    metrics: tuple[Metric, ...]
    """In the order in which they are shown; instances are sorted by the first that knows them."""
    objects: int
    """Number of objects that hold a Gaussian."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Names of instances, where there are any."""
    unit: tuple[str, str] = ("instance", "instances")
    """What `Metric.by_instance` goes by, one and several of it: classes and queries of a text are others."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """What decided the numbers besides the data: thresholds, classes; as JSON takes it."""

    def __getitem__(self, name: str) -> Metric:
        """The metric of that name; KeyError where the protocol has none."""
        return {metric.name: metric for metric in self.metrics}[name]

    @property
    def instances(self) -> list[int]:
        """Every instance that some metric scores, ascending."""
        return sorted({instance for metric in self.metrics for instance in metric.by_instance})

    def summary(self) -> dict[str, Any]:
        """As JSON takes it: the metrics that have a value, counts, rules, and one entry an instance."""
        one, several = self.unit
        by_instance = [
            {
                one: instance,
                **({"name": self.names[instance]} if instance in self.names else {}),
                **{each.name: each.by_instance[instance] for each in self.metrics if instance in each.by_instance},
            }
            for instance in self.instances
        ]
        return {
            **{metric.name: metric.value for metric in self.metrics if metric.value is not None},
            "objects": self.objects,
            several: len(self.instances),
            **({"rules": dict(self.rules)} if self.rules else {}),
            f"by_{one}": by_instance,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Label and value for a table that a person reads: the metrics, then the instances, worst first.

        Where more than one metric goes by instance, a row with an empty label names them.
        """
        rows = [(metric.label, f"{metric.value:.3f}") for metric in self.metrics if metric.value is not None]
        rows += [("objects", str(self.objects)), (self.unit[1], str(len(self.instances)))]
        shown = [metric for metric in self.metrics if metric.by_instance]
        columns, widths = [metric.by_instance for metric in shown], [max(5, len(metric.label)) for metric in shown]
        if len(shown) > 1:
            rows.append(
                ("", "  ".join(f"{metric.label:>{width}}" for metric, width in zip(shown, widths, strict=True)))
            )
        for instance in sorted(self.instances, key=lambda i: [column.get(i, 2.0) for column in columns]):
            values = [f"{column[instance]:.3f}" if instance in column else "-" for column in columns]
            cells = "  ".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
            rows.append((f"{self.unit[0]} {instance} {self.names.get(instance, '')}".rstrip(), cells))
        return rows
