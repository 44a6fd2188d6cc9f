"""Times W of one 640 x 480 view of the benchmark room with nothing else in the process.

python scripts/3_weights_alone.py [GAUSSIANS]
"""

import sys
import time

from gsseg.bench.scene import bench_scene
from gsseg.render import blend_weights


def main() -> None:
    """Prints the seconds of seven calls; the first compiles and fills caches."""
    scene = bench_scene(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    for _ in range(7):
        started = time.perf_counter()
        blend_weights(scene.gaussians, scene.camera)
        print(f"{time.perf_counter() - started:.3f} s")


if __name__ == "__main__":
    main()
