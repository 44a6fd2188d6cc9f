"""Scores know no protocol: whatever metrics one brings are summed up and shown alike."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gsseg.evaluate import PROTOCOLS, ClickProtocol, Metric, Prediction, Scores, evaluate
from gsseg.evaluate.protocols.protocol import EvaluationProtocol, Progress
from gsseg.scene import Scene

SCANNET_LIKE = Scores(
    (
        Metric("miou", "mIoU", 0.5, {3: 0.4, 7: 0.6}),
        Metric("ap50", "AP50", 0.25),
        Metric("acc25", "Acc@0.25", None),
        Metric("recall", "recall", 0.75, {7: 0.5, 9: 1.0}),
    ),
    objects=4,
    names={7: "chair"},
)


def test_summary_holds_what_has_a_value() -> None:
    assert json.loads(json.dumps(SCANNET_LIKE.summary())) == {
        "miou": 0.5,
        "ap50": 0.25,
        "recall": 0.75,
        "objects": 4,
        "instances": 3,
        "by_instance": [
            {"instance": 3, "miou": 0.4},
            {"instance": 7, "name": "chair", "miou": 0.6, "recall": 0.5},
            {"instance": 9, "recall": 1.0},
        ],
    }


def test_rows_are_for_people_worst_first() -> None:
    assert SCANNET_LIKE.rows() == [
        ("mIoU", "0.500"),
        ("AP50", "0.250"),
        ("recall", "0.750"),
        ("objects", "4"),
        ("instances", "3"),
        ("", " mIoU  recall"),
        ("instance 3", "0.400       -"),
        ("instance 7 chair", "0.600   0.500"),
        ("instance 9", "    -   1.000"),
    ]


def test_classes_and_rules_are_called_so() -> None:
    scores = Scores((Metric("miou", "mIoU", 0.5, {3: 0.5}),), 1, {3: "cabinet"}, ("class", "classes"), {"alpha": 0.7})
    assert scores.summary() == {
        "miou": 0.5, "objects": 1, "classes": 1, "rules": {"alpha": 0.7},
        "by_class": [{"class": 3, "name": "cabinet", "miou": 0.5}],
    }  # fmt: skip
    assert scores.rows()[-2:] == [("classes", "1"), ("class 3 cabinet", "0.500")]


def test_a_metric_is_found_by_its_name() -> None:
    assert SCANNET_LIKE["ap50"].value == 0.25
    with pytest.raises(KeyError):
        SCANNET_LIKE["object_iou"]


def test_nothing_to_score_is_shown_as_nothing() -> None:
    empty = Scores((), objects=0)
    assert empty.summary() == {"objects": 0, "instances": 0, "by_instance": []}
    assert empty.rows() == [("objects", "0"), ("instances", "0")]


def test_the_table_names_each_protocol_once() -> None:
    assert next(iter(PROTOCOLS)) == "click"
    assert all(name == protocol.name and protocol.summary for name, protocol in PROTOCOLS.items())
    assert isinstance(PROTOCOLS["click"], ClickProtocol)


@dataclass(frozen=True)
class Coverage:
    """Share of Gaussians that belong to an object: a protocol of another project."""

    name: str = "coverage"
    summary: str = "how many Gaussians belong to an object"

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress) -> Scores:
        progress("counting", 1, 1)
        return Scores((Metric("coverage", "coverage", float((found.object_ids >= 0).mean())),), found.objects)


def test_another_protocol_needs_no_change_of_scores(two_balls, tmp_path: Path) -> None:
    protocol: EvaluationProtocol = Coverage()
    half = np.where(two_balls.instances == 0, 0, -1).astype(np.int32)
    heard = []
    scores = evaluate(two_balls.scene, half, tmp_path, protocol, lambda *step: heard.append(step))
    assert scores.summary() == {"coverage": 0.5, "objects": 1, "instances": 0, "by_instance": []}
    assert heard == [("counting", 1, 1)]
