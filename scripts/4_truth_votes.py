"""What true masks give at best: votes through all pixels against votes through centres, and the truth's own view IoU.

    python scripts/4_truth_votes.py SCENE

SCENE has gt/ids for every view and gt/gaussian_instance.npy, as `gsseg.sample` writes them.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import gsseg
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.evaluate.protocols import ClickProtocol
from gsseg.evaluate.visibility import total_visibility
from gsseg.features.evidence import gather_evidence
from gsseg.io.label_png import read_label_png


def main() -> None:
    """Prints the object IoU of both votes, and the scores of the truth taken as objects."""
    path = Path(sys.argv[1])
    scene = gsseg.load_scene(path)
    truth = read_ground_truth(path / "gt", len(scene.gaussians))
    assert truth.instances is not None, "the scene has no truth for each Gaussian"
    visibility = total_visibility(scene)
    labels = {
        view.name: read_label_png(path / "gt" / "ids" / f"{view.name}.png").astype(np.uint16) for view in scene.views
    }
    views = [replace(view, labels=labels[view.name]) for view in scene.views if view.labels is not None]
    count = int(truth.instances.max()) + 2
    pooled = torch.zeros(count, len(scene.gaussians))
    weighted = []
    for view in views:
        weights = gsseg.blend_weights(scene.gaussians, view)
        pooled += weights.pool(torch.from_numpy(labels[view.name].reshape(-1).astype(np.int64)), count).to_dense()
        weighted.append((view, weights))
    evidence = gather_evidence(scene.gaussians, weighted)
    central = np.zeros((count, len(scene.gaussians)), np.float32)
    for label in range(count):
        central[label] = evidence.matrix[evidence.row_label == label].sum(axis=0)
    for name, votes in (("all pixels", pooled.numpy()[1:]), ("centres", central[1:])):
        ids = np.where(votes.sum(0) > 0, votes.argmax(0), -1).astype(np.int32)
        print(f"vote through {name}: object IoU {object_iou(ids, truth.instances, visibility)[0]:.3f}")
    scores = ClickProtocol().against(scene, truth.instances.astype(np.int32), truth, visibility).summary()
    print(f"the truth itself: object IoU {scores['object_iou']:.3f}, view IoU {scores['view_iou']:.3f}")


if __name__ == "__main__":
    main()
