"""What the sources that are one file share."""

from pathlib import Path


class FileByItself:
    """What is true of any file by itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self.path.parent

    @property
    def opened(self) -> Path:
        """The file."""
        return self.path

    @property
    def confidence(self) -> None:
        """None: a file by itself does not tell."""
        return None

    @property
    def codebook(self) -> None:
        """None: such files hold features, packed or a column each, and no codebook of training."""
        return None
