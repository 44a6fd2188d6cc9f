"""What one person's mouse does at the moment: which tool is in hand, and how the tools are set."""

from dataclasses import dataclass
from typing import Literal, get_args

from gsseg_viewer.selection import How

Tool = Literal["click", "points", "lasso", "polygon", "brush", "snap", "scribble", "colour", "assign", "measure"]
TOOLS: tuple[Tool, ...] = get_args(Tool)
"""In the order in which they are offered."""

DRAWN: frozenset[Tool] = frozenset({"lasso", "polygon", "brush", "scribble"})
"""Tools that draw on the screen; all others click."""


@dataclass(frozen=True)
class Settings:
    """How one person's tools are set."""

    tool: Tool = "click"
    """The one in hand."""
    how: How = "set"
    """What becomes of the earlier selection where no key says otherwise."""
    whole: bool = False
    """Whether what is drawn takes whole objects, those of which it holds half, and not single Gaussians."""
    depth: float = 1.0
    """Share of the depth of what is on the screen, 0..1, beyond which nothing is taken."""
    radius: float = 0.03
    """Of the brush, heights of the screen."""
