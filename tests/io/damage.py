"""What is done to a good scene folder so that it is bad: functions (scene) -> the file that a message must name."""

import json
import shutil
import struct

import numpy as np
import torch
from PIL import Image

from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats

PINHOLE = "1 PINHOLE 32 24 30 30 16 12\n"


def splats(change):
    """A case that changes the bytes of splats.ply by a function, or replaces them."""

    def damage(scene):
        path = scene / "splats.ply"
        path.write_bytes(change if isinstance(change, bytes) else change(path.read_bytes()))
        return path

    return damage


def without(*columns):
    def damage(scene):
        path = scene / "splats.ply"
        table = np.array(read_splats(path).columns)
        kept = [name for name in table.dtype.names if name not in columns]
        write_splats(path, table[kept].astype([(name, "<f4") for name in kept]))
        return path

    return damage


def retyped(column, kind):
    def damage(scene):
        path = scene / "splats.ply"
        table = np.array(read_splats(path).columns)
        write_splats(path, table, {column: table[column].astype(kind)})
        return path

    return damage


def all_rows(value):
    def damage(scene):
        path = scene / "splats.ply"
        table = np.array(read_splats(path).columns)
        write_splats(path, table, {"x": np.full(len(table), value, np.float32)})
        return path

    return damage


def transforms(change, text=None):
    """A case that edits transforms.json as an object, or replaces its text."""

    def damage(scene):
        path = scene / "transforms.json"
        if text is not None:
            path.write_text(text)
        else:
            meta = json.loads(path.read_text())
            change(meta)
            path.write_text(json.dumps(meta))
        return path

    return damage


def set_first(key, value):
    return transforms(lambda meta: meta["frames"][0].__setitem__(key, value))


def set_all(key, value):
    return transforms(lambda meta: [frame.__setitem__(key, value) for frame in meta["frames"]])


def set_meta(key, value):
    return transforms(lambda meta: meta.__setitem__(key, value))


def file(name, content: bytes, instead_of=None):
    """A case that writes one file, after removing what would be found before it."""

    def damage(scene):
        if instead_of:
            target = scene / instead_of
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        path = scene / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return damage


def removed(*names, says=None):
    def damage(scene):
        for name in names:
            shutil.rmtree(scene / name) if (scene / name).is_dir() else (scene / name).unlink()
        return scene / says if says else scene

    return damage


def picture(name, mode, size, value=1):
    def damage(scene):
        Image.new(mode, size, value).save(scene / name)
        return scene / name

    return damage


def colmap(cameras, images, at_fault):
    def damage(scene):
        (scene / "transforms.json").unlink()
        model = scene / "sparse" / "0"
        model.mkdir(parents=True)
        (model / "cameras.txt").write_text(cameras)
        (model / "images.txt").write_text(images)
        return model / at_fault

    return damage


def langsplat(array):
    def damage(scene):
        shutil.rmtree(scene / "masks")
        (scene / "language_features").mkdir()
        path = scene / "language_features" / "view_0_s.npy"
        np.save(path, array, allow_pickle=True)
        return path

    return damage


def saga(value):
    def damage(scene):
        shutil.rmtree(scene / "masks")
        (scene / "sam_masks").mkdir()
        path = scene / "sam_masks" / "view_0.pt"
        torch.save(value, path)
        return path

    return damage


def empty_folder(scene):
    shutil.rmtree(scene)
    scene.mkdir()
    return scene


def not_a_folder(scene):
    shutil.rmtree(scene)
    scene.write_text("hello")
    return scene


def absurd_count(blob: bytes) -> bytes:
    return blob.replace(b"element vertex 40", b"element vertex 4000000000000")


def too_many_colours(scene):
    shutil.rmtree(scene / "images")
    transforms(lambda meta: meta.update(w=320, h=240, cx=160, cy=120))(scene)
    path = scene / "masks" / "view_0.png"
    colours = np.arange(1, 320 * 240 + 1).reshape(240, 320)
    Image.fromarray(np.stack([colours % 256, colours // 256 % 256, colours // 65536], -1).astype(np.uint8)).save(path)
    return path


def half_a_model(scene):
    images = colmap(PINHOLE, "", "images.txt")(scene)
    images.unlink()
    return images.parent


def huge_images(scene):
    path = half_a_model(scene) / "images.bin"
    path.write_bytes(struct.pack("<Q", 1 << 60))
    return path


def camera_of_another_shape(scene):
    set_meta("w", 64)(scene)
    return scene / "images" / "view_0.png"
