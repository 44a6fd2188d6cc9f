"""Legal scenes that nobody sends: few views, few pixels, few Gaussians, and numbers from the ends of their ranges."""

import io
import json
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from PIL import Image

from gsseg.cli import train
from gsseg.cli.main import main
from tests.reliability.fuzz_seeds import HEIGHT, ROWS, WIDTH, make_scene, make_truth, splat_columns
from tests.reliability.fuzz_values import pick

_EXTREMES = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e-45, 1e6, 1e9, 1e13, 1e19, 1e30, 3e38, -3e38, 19.9, 20.0, -30.0, -29.0,
             88.0, np.nan, np.inf, -np.inf)  # fmt: skip
_MOST_SHRUNK, _LONGEST_SIDE = 16, 64


def damage_training(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    """A scene whose columns, masks and cameras are legal and extreme, and the options to train with."""
    rows, views = pick(rng, (1, 2, 5, ROWS, ROWS, ROWS, 300)), pick(rng, (1, 2, 3, 4, 4))
    columns = splat_columns(rng, pick(rng, (0, 0, 1)), rows)
    for _ in range(int(rng.integers(6))):
        some = rng.random(rows) < pick(rng, (0.02, 0.3, 0.6, 1.0))
        columns[pick(rng, columns.dtype.names)][some] = pick(rng, _EXTREMES)
    make_scene(folder / "scene", rng, views, columns)
    for path in sorted((folder / "scene" / "masks").iterdir()):
        kind = int(rng.integers(6))
        if kind <= 2:
            noise = rng.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
            labels = (noise, np.zeros_like(noise), np.full_like(noise, 9))[kind]
            Image.fromarray(labels).save(path)
    if rng.random() < 0.3:
        _move_cameras(rng, folder / "scene" / "transforms.json")
    if rows == ROWS and views >= 2 and rng.random() < 0.5:
        make_truth(folder / "scene" / "gt", rng)
    shrink = ["-r", str(rng.integers(1, _MOST_SHRUNK + 1))]
    side = ["--max-side", str(rng.integers(1, _LONGEST_SIDE + 1))]
    (folder / "options").write_text(shlex.join(pick(rng, ([], shrink, side))))


def _move_cameras(rng: np.random.Generator, path: Path) -> None:
    meta = json.loads(path.read_text())
    meta["frames"][0]["transform_matrix"][int(rng.integers(3))][3] = pick(rng, (0.0, 1e-9, 1e6, 1e9, -1e9))
    for keys, values in (
        (("fl_x", "fl_y"), (1e-3, 1e9, 1.0)),
        (("cx", "cy"), (-1e9, 1e9, 0.0)),
        (("k1", "k2", "p1"), (-1e6, 1e6, 0.3, -0.3)),
    ):
        if rng.random() < 0.4:
            meta[pick(rng, keys)] = pick(rng, values)
    path.write_text(json.dumps(meta))


def train_and_look(folder: Path) -> None:
    """Trains; what was found can be read, exported and compressed. `InputError` where the scene is refused."""
    scene, run = str(folder / "scene"), str(folder / "run")
    options = shlex.split((folder / "options").read_text())
    with redirect_stdout(io.StringIO()):
        command = train.parse(["-s", scene, "-m", run, *options])
        assert command is not None
        command.execute()
        for words in (["info", run], ["export", "-m", run, "--out", str(folder / "out")], ["compress", "-m", run]):
            assert main(words) == 0, f"after training, {words[0]} fails"
    for name in ("objects.json", "metrics.json"):
        text = (folder / "run" / name).read_text()
        assert "NaN" not in text, f"{name} holds NaN"
        assert "Infinity" not in text, f"{name} holds an infinity"
