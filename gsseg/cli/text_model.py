"""``--clip MODEL`` or ``--text-vectors FILE``: who knows what texts look like."""

from pathlib import Path
from typing import Annotated

import tyro

from gsseg.errors import InputError
from gsseg.language.text import TextModel, TextVectors

TextVectorsPath = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]


def open_text_model(clip: Path | None, vectors: Path | None) -> TextModel | None:
    """The one that was given; None: none was. `InputError` for both, and for what cannot be read."""
    if clip is not None and vectors is not None:
        raise InputError("--clip and --text-vectors", "both say what texts look like", "give one of them")
    if vectors is not None:
        return TextVectors.read(vectors)
    if clip is None:
        return None
    from gsseg.language.clip import ClipModel  # and with it torch, which a file of vectors does not need

    return ClipModel.open(clip)
