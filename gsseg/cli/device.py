"""``--device``: where blending weights are computed."""

from dataclasses import replace
from typing import Literal

import torch

from gsseg.errors import InputError
from gsseg.scene import Scene

Device = Literal["auto", "cpu", "cuda"]
"""``auto`` is the CPU: what users see by default is what the tests see."""


def check_device(device: Device) -> None:
    """Raises `InputError` for a GPU that is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda", "PyTorch finds no CUDA GPU", "give --device cpu, or install its CUDA build")


def on_device(scene: Scene, device: Device) -> Scene:
    """The scene with its splats on the device; weights are computed where the splats are."""
    return replace(scene, gaussians=scene.gaussians.to("cuda")) if device == "cuda" else scene
