"""config.yaml: everything that decided a run's result."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from gsseg.config import TrainConfig
from gsseg.errors import InputError
from gsseg.files.yaml_file import read_yaml_object
from gsseg.io.numbers import brief
from gsseg.scene import RenderConfig, Scene
from gsseg.version import __version__

LIBRARIES = ("torch", "numpy", "numba", "scipy", "gsplat", "plyfile", "pillow", "safetensors")
"""Libraries whose versions may change a result."""

_AGAIN = "run gsseg train again"


@dataclass(frozen=True)
class RunSettings:
    """What config.yaml says of where a run came from."""

    scene: Path
    """The SCENE folder."""
    splats: Path
    """The splat file that was trained on."""
    render: RenderConfig
    """Settings of the rasterizer that the splats were drawn with."""
    key: str | None = None
    """Hash of all that decided the result (`gsseg.run.stages.run_key`), where it says so."""


def settings_of(scene: Scene, config: TrainConfig, key: str) -> dict[str, Any]:
    """The content of config.yaml, in plain types. ``key``: of `gsseg.run.stages.run_key`."""
    paths = {"scene": str(scene.path.resolve()), "splats": str(scene.splats.path.resolve())}
    versions = {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}
    decided = {"render": asdict(scene.render), **asdict(config), "versions": versions, "key": key}
    return {"gsseg": __version__, **paths, **decided}


def settings_text(settings: dict[str, Any]) -> str:
    """The text of config.yaml."""
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def read_settings(path: Path) -> RunSettings:
    """What the config.yaml at ``path`` says; raises `InputError` where it is missing, damaged or names no scene."""
    settings = read_yaml_object(path, _AGAIN)
    named = [settings.get(name) for name in ("scene", "splats")]
    if not all(isinstance(name, str) and name and _is_path(name) for name in named):
        raise InputError(path, "does not say which scene the run was made from", _AGAIN)
    key = settings.get("key")
    return RunSettings(
        Path(settings["scene"]), Path(settings["splats"]), _render(path, settings.get("render", {})),
        key if isinstance(key, str) else None,
    )  # fmt: skip


def _is_path(name: str) -> bool:
    """Whether a text can be a path that goes into messages; its bytes need not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace").isprintable()


def _render(path: Path, values: object) -> RenderConfig:
    kinds = {"near_plane": (int, float), "dilation": (int, float), "antialiased": (bool,)}
    if not isinstance(values, dict) or any(type(values[name]) not in kinds.get(name, ()) for name in values):
        raise InputError(path, f"'render' is {brief(values)}, which are no settings of the rasterizer", _AGAIN)
    try:
        return RenderConfig(**values)
    except ValueError as error:
        raise InputError(path, f"'render': {error}", _AGAIN) from error


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
