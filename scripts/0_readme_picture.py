"""Draws docs/room.jpg, the picture of the README, from a finished `gsseg demo`.

python scripts/0_readme_picture.py [DEMO_FOLDER] [VIEW ...]
"""

import sys
from pathlib import Path

import numpy as np

import gsseg
from gsseg.export.pictures import jpeg, strip
from gsseg.export.report import ReportData, view_pictures

COLUMNS = ("photo", "masks", "features", "objects")


def main() -> None:
    """Photo, masks, features and objects of some views, one row a view."""
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    names = sys.argv[2:] or ["view_008", "view_044"]
    scene, run = gsseg.load_scene(demo / "scene"), gsseg.Run.open(demo / "run")
    numbers = [view.name for view in scene.views]
    data = ReportData(scene=scene, segmentation=run.columns, losses={}, metrics={}, config={}, notes=[])
    rows = []
    for name in names:
        pictures = {
            label.split()[0].lower(): picture for label, picture in view_pictures(data, numbers.index(name)).items()
        }
        rows.append(strip([picture for column in COLUMNS if (picture := pictures[column]) is not None]))
    gap = np.full((6, rows[0].shape[1], 3), 255, np.uint8)
    page = np.concatenate([part for row in rows for part in (row, gap)][:-1])
    (Path(__file__).parents[1] / "docs" / "room.jpg").write_bytes(jpeg(page, 85))


if __name__ == "__main__":
    main()
