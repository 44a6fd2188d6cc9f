"""Scores against ground truth."""

from gsseg.evaluate.class_ids import ClassIds as ClassIds
from gsseg.evaluate.ground_truth import GroundTruth as GroundTruth
from gsseg.evaluate.ground_truth import read_ground_truth as read_ground_truth
from gsseg.evaluate.object_names import ObjectNames as ObjectNames
from gsseg.evaluate.prediction import ObjectWords as ObjectWords
from gsseg.evaluate.prediction import Prediction as Prediction
from gsseg.evaluate.protocols import PROTOCOLS as PROTOCOLS
from gsseg.evaluate.protocols import ClickProtocol as ClickProtocol
from gsseg.evaluate.protocols import EvaluationProtocol as EvaluationProtocol
from gsseg.evaluate.protocols import LerfMaskProtocol as LerfMaskProtocol
from gsseg.evaluate.protocols import LerfProtocol as LerfProtocol
from gsseg.evaluate.protocols import ScanNetInstanceProtocol as ScanNetInstanceProtocol
from gsseg.evaluate.protocols import ScanNetProtocol as ScanNetProtocol
from gsseg.evaluate.query_pictures import write_query_pictures as write_query_pictures
from gsseg.evaluate.score import check_truth as check_truth
from gsseg.evaluate.score import evaluate as evaluate
from gsseg.evaluate.score import score_run as score_run
from gsseg.evaluate.scores import Metric as Metric
from gsseg.evaluate.scores import Scores as Scores
