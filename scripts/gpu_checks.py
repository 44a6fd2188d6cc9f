"""What `gpu_proof.py` checks, one function a check: it returns what it measured, and raises `Failed` where it is wrong.

Every check makes its own input from a seed, so that each can run in a process of its own. ``on`` says where the work is
done: a GPU, or the emulated device of the tests, on which only the checks themselves are tried.
"""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from gpu_bench import Bench, compared, demand, kinds, ring, views_of

from gsseg.batch import Job, LocalEngine
from gsseg.batch.cards import cards_here
from gsseg.bench.crossings import Crossings
from gsseg.bench.on_device import measure_on_device
from gsseg.bench.scene import bench_scene
from gsseg.bench.timing import no_progress
from gsseg.codebook.training import train_codebook
from gsseg.config import TrainConfig
from gsseg.features.evidence import MaskEvidence, gather_evidence
from gsseg.features.fit import fit_features
from gsseg.io.scene_folder import load_scene
from gsseg.objects.atoms import find_atoms
from gsseg.objects.atoms_on_device import find_atoms_on_device
from gsseg.objects.build import build_objects, find_objects, nearest
from gsseg.objects.confidence import find_confidence
from gsseg.objects.pair_facts import CONTACT_NEIGHBOURS, RIM_NEIGHBOURS
from gsseg.objects.unmasked import speaking
from gsseg.pipeline import train
from gsseg.render import blend_weights, render_map
from gsseg.render.cache import SampledWeights
from gsseg.render.pooling_on_device import pool_on_device
from gsseg.render.renderers import weight_strips
from gsseg.run import RunLayout
from gsseg.run.metrics import read_metrics
from gsseg.sample.config import preset
from gsseg.sample.write import write_room
from gsseg.segmentation import Segmentation
from gsseg.splats import SplatConfig, SplatTrainer
from gsseg.splats.scene import load_splat_scene
from gsseg.splats.score import score_views

CONFIG = TrainConfig()
MIB = 1 << 20

GOAL_SECONDS, GOAL_MIB = 20.0, 8192
"""For a million Gaussians and 200 views of 1000 x 730 through weights, features, codebook and objects."""


def check_weights(bench: Bench) -> dict:
    """W of every kind of scene against the processor's."""
    out = {}
    for name, gaussians, camera in kinds(bench.size(20_000, 300)):
        found = compared(blend_weights(gaussians.to(bench.on), camera).to("cpu"), blend_weights(gaussians, camera))
        out[name] = found
    for name, found in out.items():
        demand(found["pixels of another order"] == 0, f"{name}: another order of Gaussians")
        demand(found["pixels beyond 1e-4"] == 0, f"{name}: weights differ by more than 1e-4")
        demand(found["pixels of another number of Gaussians"] < 1e-3, f"{name}: other Gaussians in a pixel")
    return out


def check_large_weights(bench: Bench) -> dict:
    """W of 100 thousand and a million Gaussians at 1000 x 730, its time, and a view's bytes to the host."""
    out = {}
    camera = ring(5, bench.size(1000, 60), bench.size(730, 44))[1]
    for count in (bench.size(100_000, 300), bench.size(1_000_000, 900)):
        gaussians = bench_scene(count).gaussians
        there = gaussians.to(bench.on)
        bench.fresh()
        taken = bench.seconds(lambda there=there: [strip.rows for strip in weight_strips(there, camera)])
        peak = bench.peak()
        found = compared(blend_weights(there, camera).to("cpu"), blend_weights(gaussians, camera))
        out[str(count)] = {**found, "seconds": taken, "peak_mib": peak / MIB}
        demand(found["pixels of another order"] == 0, f"{count}: another order of Gaussians")
        demand(found["pixels of another number of Gaussians"] < 1e-4, f"{count}: other Gaussians in a pixel")
    return out


def check_products(bench: Bench) -> dict:
    """W F and its gradient against the processor's, and beside gsplat's own rasterizer with autograd."""
    gaussians = bench_scene(bench.size(1_000_000, 300)).gaussians
    camera = ring(5, bench.size(1000, 40), bench.size(730, 30))[1]
    there = gaussians.to(bench.on)
    weights = blend_weights(there, camera).packed()
    host = weights.to("cpu")
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(len(gaussians), 6, generator=generator)
    maps = torch.randn(weights.rows, 6, generator=generator)
    leaf, target = features.to(bench.on).requires_grad_(), maps.to(bench.on)
    rendered = weights.render(leaf)
    rendered.backward(target)
    gradient, forward, backward = leaf.grad, host.render(features), host.backproject(maps)
    assert gradient is not None
    errors = {
        "forward": float((rendered.detach().cpu() - forward).abs().max() / forward.abs().max()),
        "gradient": float((gradient.cpu() - backward).abs().max() / backward.abs().max()),
    }

    def by_weights() -> None:
        weights.render(leaf).backward(target)

    def by_rasterizer() -> None:
        render_map(leaf, there, camera).reshape(-1, 6).backward(target)

    ours, theirs = bench.seconds(by_weights), bench.seconds(by_rasterizer)
    demand(max(errors.values()) < 1e-5, f"products differ: {errors}")
    return {
        **errors, "entries": len(host.values), "step on W, seconds": ours, "step by gsplat's rasterizer": theirs,
        "rasterizer / W": theirs / ours,
    }  # fmt: skip


def check_bits(bench: Bench) -> dict:
    """Everything that is added up, twice: the same bits."""
    scene = bench_scene(bench.size(300_000, 300))
    there, camera = scene.gaussians.to(bench.on), ring(5, bench.size(1000, 40), bench.size(730, 30))[1]
    labels = views_of(scene, [camera], there)[0].labels
    assert labels is not None
    masks = torch.from_numpy(labels.reshape(-1).astype(np.int64)).to(bench.on)
    maps = torch.randn(len(masks), 6, generator=torch.Generator().manual_seed(0)).to(bench.on)

    def once() -> list[torch.Tensor]:
        weights = blend_weights(there, camera)
        _, _, pooled = pool_on_device(weights.indptr, weights.indices, weights.values, masks, len(scene.gaussians))
        found = [weights.indices, weights.values, weights.visibility, weights.backproject(maps), pooled]
        return [each.cpu() for each in found]

    first = once()
    for _ in range(3):
        for one, other in zip(first, once(), strict=True):
            demand(torch.equal(one, other), "two runs differ in a bit")
    return {"runs": 4, "values": sum(each.numel() for each in first)}


def check_evidence(bench: Bench) -> dict:
    """Evidence against the processor's, what crosses to the host, and samples across devices."""
    scene = bench_scene(bench.size(100_000, 300))
    there = scene.gaussians.to(bench.on)
    views = views_of(scene, ring(bench.size(8, 2), bench.size(500, 40), bench.size(365, 30)), there)
    with TemporaryDirectory() as folder, Crossings() as crossings:
        settings = (views, Path(folder), CONFIG.pixels_per_view, 0, 1 << 30)
        found = gather_evidence(there, SampledWeights(there, *settings).full_views())
        crossed = crossings.bytes
        kept = SampledWeights(there, *settings).weights(0).to("cpu")
        host = SampledWeights(scene.gaussians, *settings)
        expected = gather_evidence(scene.gaussians, host.full_views())
        sampled = compared(kept, host.weights(0).to("cpu"))
    # An entry may be a sum over all pixels of a mask: relative then.
    beyond = abs(found.matrix - expected.matrix) - 1e-4 * expected.matrix
    apart = {
        "central differs": int((found.central != expected.central).sum()),
        "entries differ by more than 1e-4": int((beyond.data > 1e-4).sum()),
        "entries": int(expected.matrix.nnz),
        "visibility, relative": float(np.abs(found.visibility - expected.visibility).max() / expected.visibility.max()),
        "bytes to the host a view, samples to their files included": crossed / len(views),
        "sampled weights": sampled,
    }
    demand(apart["central differs"] <= 1e-5 * len(there), "other Gaussians are central")
    demand(apart["entries differ by more than 1e-4"] <= 1e-4 * expected.matrix.nnz, f"the evidence differs: {apart}")
    demand(apart["visibility, relative"] < 1e-5, "the visibility differs")
    return apart


def check_objects(bench: Bench) -> dict:
    """The object stage against the processor's on one evidence, twice, and what crosses to the host."""
    scene = bench_scene(bench.size(100_000, 400))
    views = views_of(scene, ring(bench.size(40, 3), bench.size(400, 48), bench.size(292, 36)), scene.gaussians)
    weights = SampledWeights(scene.gaussians, views, None, CONFIG.pixels_per_view, 0, 1 << 30)
    plain = gather_evidence(scene.gaussians, weights.full_views())
    means, config = scene.gaussians.means.numpy(), CONFIG.objects
    colors = np.random.default_rng(0).random((len(means), 3)).astype(np.float32)
    near = nearest(means, config)
    there = plain.on(bench.on)
    spoken = speaking(plain, near[:, :RIM_NEIGHBOURS])
    demand(np.array_equal(speaking(there, near[:, :RIM_NEIGHBOURS]).data, spoken.data), "other entries speak")
    given = (spoken, near[:, :CONTACT_NEIGHBOURS], means, colors, config.atoms)
    atoms, others = find_atoms(plain, *given), find_atoms_on_device(there, *given)
    expected = find_objects(plain, means, colors, near, config)
    bench.fresh()
    with Crossings() as crossings:
        found = find_objects(there, means, colors, near, config)
    peak = bench.peak()
    again = find_objects(there, means, colors, near, config)
    # Sums are rounded otherwise than the processor's: where two choices are as good, another may be taken.
    out = {
        "entries": int(plain.matrix.nnz), "atoms": int(atoms.max()) + 1, "objects": len(np.unique(expected)),
        "Gaussians of another atom": 1.0 - agreeing(others, atoms),
        "Gaussians of another object": 1.0 - agreeing(found, expected),
        "seconds": bench.seconds(lambda: find_objects(there, means, colors, near, config), 2),
        "seconds on the processor": bench.seconds(lambda: find_objects(plain, means, colors, near, config), 2),
        "bytes to the host": crossings.bytes, "peak_mib": peak / MIB,
    }  # fmt: skip
    bench.so_far(out)
    demand(np.array_equal(found, again), "two runs differ")
    demand(out["Gaussians of another atom"] < 0.01, f"other atoms: {out}")
    demand(out["Gaussians of another object"] < 0.005, f"other objects: {out}")
    return out


def agreeing(one: np.ndarray, other: np.ndarray) -> float:
    """Share of items in the same set in two partitions, where sets are matched by what most of their items are in."""
    both, counts = np.unique(np.stack([one, other]), axis=1, return_counts=True)
    best = np.zeros(int(one.max()) + 2, np.int64)
    np.maximum.at(best, both[0], counts)
    return float(best.sum() / max(1, len(one)))


def check_drawing(bench: Bench) -> dict:
    """Pictures as the viewer, scores and meshes have them: by gsplat's rasterizer, and by the processor's."""
    scene, camera = bench_scene(bench.size(100_000, 300)), ring(3, bench.size(640, 60), bench.size(480, 45))[1]
    values = torch.rand(len(scene.gaussians), 4, generator=torch.Generator().manual_seed(0))
    there = scene.gaussians.to(bench.on)
    found = render_map(values.to(bench.on), there, camera).cpu()
    apart = (found - render_map(values, scene.gaussians, camera)).abs()
    out = {
        "largest difference": float(apart.max()),
        "pixels beyond 1/255": float((apart.amax(2) > 1 / 255).float().mean()),
    }
    demand(out["pixels beyond 1/255"] < 0.01, f"pictures differ: {out}")
    return {**out, "seconds": bench.seconds(lambda: render_map(values.to(bench.on), there, camera))}


def check_bench(bench: Bench) -> dict:
    """What ``gsseg bench --device cuda`` measures."""
    scene = bench_scene(bench.size(100_000, 300))
    if bench.small:
        scene = replace(scene, cameras=tuple(camera.resized(48, 36) for camera in scene.cameras))
    return measure_on_device(scene, bench.on, 1 if bench.small else 3, no_progress).to_json()


def check_cards(bench: Bench) -> dict:
    """Commands of a batch see the card that they were given, and none where they are to have none."""
    cards = cards_here()
    code = "import torch; print(torch.cuda.device_count())"
    with TemporaryDirectory() as folder:
        engine = LocalEngine(2)
        try:
            for name, gpus in (("with", None), ("without", 0.0)):
                log = Path(folder) / f"{name}.log"
                engine.submit(Job(name, "step", (sys.executable, "-c", code), Path(folder), log, 1.0, gpus))
            ended = list(engine.wait())
            while len(ended) < 2:
                ended += engine.wait()
        finally:
            engine.close()
        demand(all(each.status == 0 for each in ended), "a command failed")
        saw = {name: int((Path(folder) / f"{name}.log").read_text()) for name in ("with", "without")}
    demand(saw == {"with": min(1, len(cards)), "without": 0}, f"commands see other cards: {saw}")
    return {"cards": len(cards), "seen": saw}


def check_learning(bench: Bench) -> dict:
    """Splats learnt on the device by both strategies: within the most, and nearer to the photos than they began."""
    out = {}
    with TemporaryDirectory() as folder:
        room, noise = preset("room", 0)
        size = {"objects": 3, "gaussians": 3000, "views": 4, "test_views": 1, "width": 48, "height": 36}
        room = replace(room, **size) if bench.small else replace(room, views=24, test_views=4)
        write_room(Path(folder) / "scene", room, noise, lambda *_: None)
        found = load_splat_scene(Path(folder) / "scene", Path(folder) / "splats.ply", 1, None, 0, None, 0)
        for strategy in ("mcmc", "default"):
            most = bench.size(100_000, 200)
            config = SplatConfig(iterations=bench.size(1500, 12), max_gaussians=most, gpu_strategy=strategy)
            trainer = SplatTrainer(config, found.train, found.points, "cuda")
            before = float(np.mean([each.psnr for each in score_views(trainer.gaussians, found.train[:3])]))
            started = time.perf_counter()
            trainer.run(lambda _: None)
            seconds = time.perf_counter() - started
            after = float(np.mean([each.psnr for each in score_views(trainer.gaussians, found.train[:3])]))
            out[strategy] = {"seconds": seconds, "gaussians": len(trainer), "psnr": [before, after]}
            bench.so_far(out)
            demand(len(trainer) <= most, f"{strategy}: more Gaussians than allowed")
            demand(bench.small or after > before + 3, f"{strategy}: learns nothing: {before:.1f} to {after:.1f} dB")
    return out


def check_room(bench: Bench) -> dict:
    """The sample room: object IoU within 0.005 of the processor's, and two runs of the same bytes."""
    names = ("segmented.ply", "objects.json", "features.safetensors", "codebook.safetensors")
    with TemporaryDirectory() as folder:
        room, noise = preset("room", 0)
        if bench.small:
            room = replace(room, objects=3, gaussians=3000, width=64, height=48, views=4, test_views=1)
        write_room(Path(folder) / "scene", room, noise, lambda *_: None)
        scene = load_scene(Path(folder) / "scene", need_masks=True)
        runs = {name: train(scene.to(at), CONFIG, Path(folder) / name)
                for name, at in (("cpu", torch.device("cpu")), ("one", bench.on), ("two", bench.on))}  # fmt: skip
        metrics = {name: read_metrics(RunLayout(run.path).metrics) for name, run in runs.items()}
        scores = {name: each["scores"]["object_iou"] for name, each in metrics.items()}
        seconds = {name: each["seconds"] for name, each in metrics.items()}
        same = [(runs["one"].path / name).read_bytes() == (runs["two"].path / name).read_bytes() for name in names]
    demand(all(same), f"two runs differ: {[name for name, alike in zip(names, same, strict=True) if not alike]}")
    demand(abs(scores["one"] - scores["cpu"]) <= 0.005, f"object IoU differs: {scores}")
    return {"object_iou": scores, "seconds": seconds}


def check_scale(bench: Bench) -> dict:
    """A million Gaussians and 200 views of 1000 x 730 through all stages: seconds of each, and the most memory."""
    scene = bench_scene(bench.size(1_000_000, 400))
    cameras = ring(bench.size(200, 3), bench.size(1000, 48), bench.size(730, 36))
    there, seconds = scene.gaussians.to(bench.on), {}
    views = views_of(scene, cameras, there)
    means = scene.gaussians.means.numpy()

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        if bench.on.type == "cuda":
            torch.cuda.synchronize()
        seconds[name] = time.perf_counter() - started

    bench.fresh()
    searching = ThreadPoolExecutor(1).submit(nearest, means, CONFIG.objects)  # as the pipeline has it searched
    with stage("pixels"):
        weights = SampledWeights(there, views, None, CONFIG.pixels_per_view, 0, 4096 * MIB)
    with stage("weights"):
        evidence: MaskEvidence = gather_evidence(there, weights.full_views())
    with stage("features"):
        field = fit_features(evidence, means, CONFIG.features, 0, device=bench.on)
    with stage("codebook"):
        sampled = [lambda i=i: (weights.weights(i), weights.labels(i)) for i in range(len(views))]
        codes = train_codebook(
            field.features.to(bench.on), scene.gaussians.means, field.seen, sampled, CONFIG.codebook, 0
        )
    out = {"seconds": seconds, "peak_mib": bench.peak() / MIB, "evidence_entries": int(evidence.matrix.nnz)}
    bench.so_far(out)
    with stage("neighbours, what is left of them"):
        near = searching.result()
    with stage("objects"):
        colors = np.full((len(means), 3), 0.5, np.float32)
        features = field.features.numpy()
        made: Segmentation = build_objects(evidence, codes, means, colors, features, CONFIG.objects, ahead=lambda: near)
    with stage("confidence"):
        find_confidence(evidence, made.object_ids.astype(np.int64), means, near)
    peak = bench.peak()
    out |= {"objects": len(made.objects), "seconds_in_all": sum(seconds.values()), "peak_mib": peak / MIB}
    bench.so_far(out)
    demand(peak <= GOAL_MIB * MIB, f"takes {peak / MIB:.0f} MiB of the GPU, and {GOAL_MIB} are allowed")
    demand(bench.small or out["seconds_in_all"] <= GOAL_SECONDS, f"takes {out['seconds_in_all']:.1f} s")
    return out


CHECKS: dict[str, Callable[[Bench], dict]] = {
    "weights of every kind of scene": check_weights,
    "weights of large scenes": check_large_weights,
    "same bits twice": check_bits,
    "products, gradients, gsplat's rasterizer": check_products,
    "evidence, copies, samples": check_evidence,
    "objects": check_objects,
    "the sample room": check_room,
    "a million Gaussians, 200 views": check_scale,
    "pictures": check_drawing,
    "cards of a batch": check_cards,
    "splats are learnt": check_learning,
    "gsseg bench": check_bench,
}
"""In the order of their weight: where time runs out the last are left out."""
