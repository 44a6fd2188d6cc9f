"""Sharp frames of a video: of every stretch of time the frame with the least blur.

Blur is measured by the variance of the Laplacian of the grey picture (Pech-Pacheco et al., ICPR 2000): motion and bad
focus take away the fine detail that it responds to. It compares frames of one place only, which those of a short
stretch are. PyAV decodes; a frame at a time is in memory, and the best of its stretch.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from PIL import Image
from scipy.ndimage import laplace

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.io.picture import check_size

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts")
JUDGED_SIDE = 480
"""Sharpness is measured at this many pixels on the longer side: finer grain is noise of the sensor."""
JPEG_QUALITY = 95


def is_video(path: Path) -> bool:
    """Whether the path is a file with a video's ending."""
    return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES


def sharp_frames(
    video: Path, out: Path, count: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[str]:
    """Writes the sharpest frame of each of ``count`` equal stretches as ``frame_00001.jpg`` ..., upright; their names.

    A video of fewer frames gives all of them. Raises `InputError` where PyAV is missing or cannot read the file.
    """
    check_readable(video)
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        raise InputError(video, "needs PyAV to be read", "pip install 'gsseg[video]', or give photos") from error
    out.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    try:
        end = _seconds(av, video)
        with _opened(av, video) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for best in _best_of_stretches(_frames(video, container, stream), end, count, progress):
                names.append(f"frame_{len(names) + 1:05d}.jpg")
                best.save(out / names[-1], quality=JPEG_QUALITY)
    except FFmpegError as error:
        # What was cut short gives its frames up to there.
        if not names:
            raise InputError(video, f"cannot be read as a video ({error.strerror})", "convert it to MP4") from error
    if not names:
        raise InputError(video, "holds no frame that can be decoded", "convert it to MP4")
    return names


def sharpness(picture: Image.Image) -> float:
    """Variance of the Laplacian of the grey picture at `JUDGED_SIDE`; higher is sharper."""
    grey = picture.convert("L")
    grey.thumbnail((JUDGED_SIDE, JUDGED_SIDE), Image.Resampling.BOX)
    values: Float32[ndarray, "rows columns"] = np.asarray(grey, np.float32)
    return float(laplace(values).var())


def _opened(av: Any, video: Path) -> Any:
    # A playlist under a film's name would have FFmpeg fetch what it lists; files are all that it may open.
    container = av.open(str(video), options={"protocol_whitelist": "file"})
    if not container.streams.video:
        container.close()
        raise InputError(video, "holds no moving picture", "give another video")
    return container


def _seconds(av: Any, video: Path) -> float:
    """How long it lasts. Where no header says, as in what a browser records, packets are read without decoding them."""
    with _opened(av, video) as container:
        stream = container.streams.video[0]
        if stream.duration is not None:
            return float(stream.duration * stream.time_base)
        if container.duration is not None:
            return container.duration / 1e6  # FFmpeg's AV_TIME_BASE
        times = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        return float((max(times) - min(times)) * stream.time_base) if times else 0.0


def _frames(video: Path, container: Any, stream: Any) -> Iterator[tuple[float, Image.Image]]:
    """Seconds since the first frame, and the picture as it was held: phones write a rotation beside the pixels."""
    first = None
    for frame in container.decode(stream):
        check_size(video, frame.width, frame.height)
        time = float(frame.time) if frame.time is not None else 0.0
        first = time if first is None else first
        picture = frame.to_image()
        yield time - first, picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _best_of_stretches(
    frames: Iterator[tuple[float, Image.Image]], end: float, count: int, progress: Callable[[int, int], None]
) -> Iterator[Image.Image]:
    best, highest, stretch = None, -1.0, 0
    for time, picture in frames:
        place = min(int(count * time / end), count - 1) if end > 0 else 0
        if place > stretch and best is not None:
            yield best
            best, highest, stretch = None, -1.0, place
            progress(place, count)
        sharp = sharpness(picture)
        if sharp > highest:
            best, highest = picture, sharp
    if best is not None:
        yield best
    progress(count, count)
