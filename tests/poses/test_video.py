"""Frames of a video: the sharp ones, upright, as many as asked for."""

import builtins

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gsseg.cli import main
from gsseg.errors import InputError
from gsseg.poses.video import is_video, sharp_frames, sharpness

av = pytest.importorskip("av", reason="PyAV is not installed (the extra 'video')")


def write_film(path, frames):
    """A video of grey noise, one frame in five of it sharp: its mean grey level tells the number of each frame."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 160, 120, "yuv420p", 8_000_000
        for row in range(frames):
            pixels = (row * 4 + rng.integers(0, 120, (120, 160, 1))).astype(np.uint8).repeat(3, 2)
            picture = Image.fromarray(pixels)
            if row % 5 != 3:
                picture = picture.filter(ImageFilter.GaussianBlur(3))
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A video of 30 frames."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", 30)


def test_the_sharpest_of_every_stretch_is_taken(film, tmp_path):
    names = sharp_frames(film, tmp_path / "frames", 6)
    assert names == [f"frame_{k:05d}.jpg" for k in range(1, 7)]
    for k, name in enumerate(names):
        grey = np.asarray(Image.open(tmp_path / "frames" / name).convert("L"), np.float64).mean()
        assert grey == pytest.approx((5 * k + 3) * 4 + 59.5, abs=2)


def test_a_short_video_gives_all_its_frames(film, tmp_path):
    assert len(sharp_frames(film, tmp_path / "frames", 1000)) == 30


def test_progress_ends_at_the_end(film, tmp_path):
    told = []
    sharp_frames(film, tmp_path / "frames", 6, lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    assert told == sorted(told)


def test_blur_lowers_sharpness():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8))
    values = [sharpness(noise.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("content", [b"", b"no video at all", b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n"])
def test_what_is_no_video_is_refused_in_one_line(tmp_path, capsys, content):
    (tmp_path / "film.mp4").write_bytes(content)
    assert main(["poses", str(tmp_path / "film.mp4"), str(tmp_path / "scene"), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "film.mp4" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4"]


def test_a_cut_video_gives_the_frames_before_the_cut(tmp_path):
    cut = write_film(tmp_path / "cut.avi", 30)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    assert 5 < len(sharp_frames(cut, tmp_path / "frames", 30)) < 25


def test_without_the_library_it_says_what_to_install(film, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="needs PyAV"):
        sharp_frames(film, tmp_path / "frames", 6)


def test_only_files_with_a_videos_ending_are_videos(film, tmp_path):
    assert is_video(film)
    assert not is_video(film.parent)
    assert not is_video(tmp_path / "absent.mp4")
