"""Depths of many views to one surface: a truncated signed distance, averaged over the views (Curless and Levoy 1996),
kept in blocks of voxels near what is seen only (Open3D's VoxelBlockGrid)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int32, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.meshes.depth import Frame
from gsseg.meshes.open3d_loader import open3d
from gsseg.meshes.surface import EMPTY, Surface

BLOCK = 16
"""Voxels along the edge of a block."""

MOST_BLOCKS = 8_000
"""Blocks at most: 0.7 GB for distance, weight and colour, 20 bytes a voxel; 2 GB while the mesh is taken out."""

_REACH = 1 << 20
"""Blocks to either side of the origin: three coordinates fit one number of 64 bits, which sorts fast."""

_TRUNCATION = 2.5
"""Voxels in front of and behind a depth that it speaks of. One would do for the sign to change, were all views to
agree; more of them reach through thin things to the surface on the other side."""

_LEAST_VIEWS = 2
"""Views in which a voxel has to be seen: what one view alone shows is mostly a stray."""

_FINEST = 512
"""Voxels along the longest side of what is seen, at most, where nobody asks for more."""

_FARTHEST = 1e6
"""Depths beyond this, in world units, are none."""


def default_voxel(frames: Sequence[Frame]) -> float:
    """Edge of a voxel where nobody names one: what a pixel covers at the middle depth, for views resolve no more.

    No less than 1 / `_FINEST` of the scene, and no less than what `MOST_BLOCKS` allow. World units. At least one frame
    has to have a depth.
    """
    sizes = [frame.depth[frame.depth > 0] / frame.camera.fx for frame in frames]
    low, high = np.percentile(np.concatenate([_points(frame, 8) for frame in frames]), [1, 99], axis=0)
    voxel = max(float(np.median(np.concatenate(sizes))), float((high - low).max()) / _FINEST)
    while blocks_near(frames, voxel) is None:
        voxel *= 1.25
    return voxel


def fuse(frames: Sequence[Frame], pictures: Sequence[UInt8[ndarray, "_ _ 3"]], voxel: float) -> Surface:
    """The surface that the frames' depths agree on, coloured by their pictures; at least one frame has to have a depth.

    ``voxel``: edge in world units. Raises `InputError` where so small ones would take more than `MOST_BLOCKS`.
    """
    blocks = blocks_near(frames, voxel)
    if blocks is None:
        problem = f"would take more than {MOST_BLOCKS} blocks of {BLOCK} x {BLOCK} x {BLOCK} voxels"
        raise InputError(f"--mesh-voxel {voxel:g}", problem, "give larger voxels, or leave their size to gsseg")
    o3d = open3d()
    tensor, number = o3d.core.Tensor, o3d.core.float32
    grid = o3d.t.geometry.VoxelBlockGrid(
        attr_names=("tsdf", "weight", "color"),
        attr_dtypes=(number, number, number),
        attr_channels=(1, 1, 3),
        voxel_size=voxel,
        block_resolution=BLOCK,
        block_count=len(np.unique(np.concatenate(blocks), axis=0)),  # all at once, for growing would copy them
    )
    for frame, picture, near in zip(frames, pictures, blocks, strict=True):
        if not len(near):
            continue
        camera = frame.camera
        # Open3D has pixel centres at whole numbers.
        lens = [[camera.fx, 0.0, camera.cx - 0.5], [0.0, camera.fy, camera.cy - 0.5], [0.0, 0.0, 1.0]]
        matrix, pose = tensor(np.array(lens)), tensor(np.ascontiguousarray(camera.T_camera_world))
        depth = o3d.t.geometry.Image(frame.depth)
        color = o3d.t.geometry.Image(picture.astype(np.float32) / np.float32(255.0))
        grid.integrate(tensor(near), depth, color, matrix, pose, 1.0, _FARTHEST, _TRUNCATION)
    mesh = grid.extract_triangle_mesh(min(_LEAST_VIEWS, len(frames)) - 0.5)
    if not len(mesh.vertex.positions):
        return EMPTY
    return Surface(
        mesh.vertex.positions.numpy(),
        mesh.vertex.normals.numpy(),
        np.clip(mesh.vertex.colors.numpy(), 0.0, 1.0),
        mesh.triangle.indices.numpy().astype(np.int64),
    )


def blocks_near(frames: Sequence[Frame], voxel: float) -> list[Int32[ndarray, "blocks 3"]] | None:
    """Coordinates of the blocks that each frame's depths speak of; None where they are more than `MOST_BLOCKS`."""
    known, found = np.zeros(0, np.int64), []
    for frame in frames:
        # Along the ray of a pixel there are 2.5 voxels between neighbours of these: no block of 16 is stepped over.
        points = _points(frame, 1, (-_TRUNCATION * voxel, 0.0, _TRUNCATION * voxel))
        x, y, z = np.clip(np.floor(points / (voxel * BLOCK)), -_REACH, _REACH - 1).astype(np.int64).T + _REACH
        near = np.unique(x << 42 | y << 21 | z)
        known = np.union1d(known, near)
        if len(known) > MOST_BLOCKS:
            return None
        mask = 2 * _REACH - 1
        found.append(np.stack([near >> 42, near >> 21 & mask, near & mask], 1).astype(np.int32) - _REACH)
    return found


def _points(frame: Frame, step: int, offsets: Sequence[float] = (0.0,)) -> Float64[ndarray, "points 3"]:
    """World points of every ``step``-th pixel with a depth, moved along the camera's axis by each of ``offsets``."""
    camera, depth = frame.camera, frame.depth[::step, ::step]
    rows, columns = np.nonzero((depth > 0) & (depth < _FARTHEST))
    x = (columns * step + 0.5 - camera.cx) / camera.fx
    y = (rows * step + 0.5 - camera.cy) / camera.fy
    rays = np.stack([x, y, np.ones(len(x))], 1) @ camera.T_camera_world[:3, :3]
    depths = depth[rows, columns].astype(np.float64)
    return np.concatenate([camera.position + rays * (depths + offset)[:, None] for offset in offsets])
