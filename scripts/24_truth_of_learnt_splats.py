"""Whose a Gaussian is that nobody placed: two rules, tried on splats whose maker knows, and on learnt ones.

    gsseg demo && gsseg demo --from-photos
    python scripts/24_truth_of_learnt_splats.py demo/scene demo/run demo/photos demo/photos_run

``nearest``: the surface nearest to its centre, within 5 cm; ``touching``: within 2 cm. ``shown``: what most of its
light shows, if its centre is within 5 cm of that thing (`gsseg.prepare.room_truth`). Of each: the light of Gaussians
that it judges, how much of that light it gives to the owner that ``gt/gaussian_instance.npy`` names, and the run's
object IoU against it.
"""

import sys
from pathlib import Path

import numpy as np

from gsseg.evaluate.metrics import object_iou
from gsseg.evaluate.visibility import total_visibility
from gsseg.io.label_png import read_label_png
from gsseg.io.scene_folder import load_scene
from gsseg.meshes.nearest import nearest_triangles
from gsseg.prepare.room_truth import FARTHEST, shown_instances
from gsseg.run import Run
from gsseg.sample import holds_room, preset, room_surfaces

TOUCHING = 0.02
"""Metres."""
SEEDS = 100
"""Of the sample room, among which the given folders' are looked for."""


def main(folder: Path, run: Path) -> None:
    scene, objects = load_scene(folder), Run.open(run).object_ids
    room = next(
        room for room, noise in (preset("room", seed) for seed in range(SEEDS)) if holds_room(folder, room, noise)
    )
    surfaces = room_surfaces(room)
    triangle, distance = nearest_triangles(surfaces.vertices, surfaces.triangles, scene.gaussians.means.numpy())
    maps = [(view.camera, read_label_png(folder / "gt" / "ids" / f"{view.name}.png")) for view in scene.views]
    known = np.load(folder / "gt" / "gaussian_instance.npy")
    rules = {
        "gt": known,
        "nearest": np.where(distance <= FARTHEST, surfaces.instances[triangle], -1),
        "touching": np.where(distance <= TOUCHING, surfaces.instances[triangle], -1),
        "shown": shown_instances(room, scene.gaussians, maps),
    }
    light = total_visibility(scene)
    print(f"{folder}: {len(light)} Gaussians\nrule      light judged  as gt says  object IoU")
    for name, found in rules.items():
        judged = found >= 0
        same = light[judged & (found == known)].sum() / light[judged].sum()
        share = light[judged].sum() / light.sum()
        print(f"{name:8}  {share:12.3f}  {same:10.3f}  {object_iou(objects, found, light)[0]:10.3f}")


if __name__ == "__main__":
    for place in range(1, len(sys.argv), 2):
        main(Path(sys.argv[place]), Path(sys.argv[place + 1]))
