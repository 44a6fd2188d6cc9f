"""``--device``: where the work is done that a GPU does faster."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch

from gsseg.cli.output import Output
from gsseg.errors import InputError
from gsseg.render.gsplat_kernels import Problem, gpu_problem, gsplat_problem
from gsseg.scene import Scene

Device = Literal["auto", "cpu", "cuda"]
"""``auto`` takes a GPU where PyTorch finds one and gsplat's kernels load, and says which."""


def renders_on(device: Device, output: Output) -> torch.device:
    """The device that blending weights are computed on; gsplat's kernels are compiled here if they have to be.

    Raises `InputError` where ``cuda`` is asked for and cannot be had. Where a GPU is there and ``auto`` cannot use it,
    the reason is told.
    """
    return _taken(device, output, gsplat_problem)


def calculates_on(device: Device, output: Output) -> torch.device:
    """The device that a model calculates on; it needs no kernels of gsplat's. Raises as `renders_on` does."""
    return _taken(device, output, gpu_problem)


def on_device(scene: Scene, device: torch.device) -> Scene:
    """The scene with its splats on the device; weights are computed where the splats are."""
    return replace(scene, gaussians=scene.gaussians.to(device))


def _taken(device: Device, output: Output, problem_of: Callable[[], Problem | None]) -> torch.device:
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    problem = problem_of()
    if problem is None:
        output.say(f"device: {torch.cuda.get_device_name()}")
        return torch.device("cuda")
    if device == "cuda":
        raise InputError("--device cuda", problem.what, problem.remedy)
    output.say(f"device: the processor, because {problem.what}: {problem.remedy}")
    return torch.device("cpu")
