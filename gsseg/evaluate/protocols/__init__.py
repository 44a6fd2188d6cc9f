"""Ways to score a segmentation, one file each; a new one is one more line in `PROTOCOLS`."""

from gsseg.evaluate.protocols.click import ClickProtocol as ClickProtocol
from gsseg.evaluate.protocols.protocol import EvaluationProtocol as EvaluationProtocol
from gsseg.evaluate.protocols.protocol import Progress as Progress

CLICK = ClickProtocol()

_ALL: tuple[EvaluationProtocol, ...] = (CLICK,)

PROTOCOLS: dict[str, EvaluationProtocol] = {protocol.name: protocol for protocol in _ALL}
"""By name."""
