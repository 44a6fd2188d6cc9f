"""Ways to score a segmentation, one file each; a new one is one more line in `PROTOCOLS`."""

from gsseg.evaluate.protocols.click import ClickProtocol as ClickProtocol
from gsseg.evaluate.protocols.lerf import LerfProtocol as LerfProtocol
from gsseg.evaluate.protocols.lerf_mask import LerfMaskProtocol as LerfMaskProtocol
from gsseg.evaluate.protocols.protocol import EvaluationProtocol as EvaluationProtocol
from gsseg.evaluate.protocols.protocol import Progress as Progress
from gsseg.evaluate.protocols.scannet import ScanNetProtocol as ScanNetProtocol
from gsseg.evaluate.protocols.scannet_instance import ScanNetInstanceProtocol as ScanNetInstanceProtocol

CLICK = ClickProtocol()

_ALL: tuple[EvaluationProtocol, ...] = (
    CLICK,
    ScanNetProtocol(),
    ScanNetInstanceProtocol(),
    LerfProtocol(),
    LerfMaskProtocol(),
)

PROTOCOLS: dict[str, EvaluationProtocol] = {protocol.name: protocol for protocol in _ALL}
"""By name."""
