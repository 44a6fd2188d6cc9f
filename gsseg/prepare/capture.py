"""A raw capture: posed frames whose photos lie in files, not yet read, whatever files those are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Float64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.scene import Camera


@dataclass(frozen=True)
class FileSpan:
    """Bytes of a file."""

    path: Path
    """The file."""
    start: int = 0
    """First byte."""
    size: int | None = None
    """How many; None: up to the end."""
    what: str = ""
    """What they are, for messages: ``the photo of frame 17``; empty for a file of its own."""

    def read(self) -> bytes:
        """The bytes; `InputError` where they cannot be read."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.start)
                content = stream.read(-1 if self.size is None else self.size)
        except OSError as error:
            raise InputError(self.path, f"cannot be read ({error.strerror})", "check its permissions") from error
        if self.size is not None and len(content) < self.size:
            raise self.wrong("ends before its last byte")
        return content

    def wrong(self, problem: str) -> InputError:
        """The error that says where the bytes are and what is wrong with them."""
        where = f"{self.what} (byte {self.start}): " if self.what else ""
        return InputError(self.path, where + problem, "copy or download it again")


@runtime_checkable
class Capture(Protocol):
    """Frames in the order in which they were taken, all of one camera."""

    @property
    def path(self) -> Path:
        """The file or folder that it was read from."""
        ...

    @property
    def camera(self) -> Camera:
        """Size and intrinsics of the photos; the pose means nothing."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Of the frames: stems of their photos."""
        ...

    @property
    def poses(self) -> Float64[ndarray, "frames 4 4"]:
        """Camera-to-world, OpenCV axes; not finite where tracking was lost."""
        ...

    def photo(self, frame: int) -> FileSpan:
        """Where the photo is."""
        ...

    def depth_png(self, frame: int) -> bytes | None:
        """The depth as a 16-bit PNG; None where there is none. `InputError` where it is damaged."""
        ...
