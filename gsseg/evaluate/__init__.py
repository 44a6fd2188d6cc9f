"""Scores against ground truth."""

from gsseg.evaluate.ground_truth import GroundTruth as GroundTruth
from gsseg.evaluate.ground_truth import read_ground_truth as read_ground_truth
from gsseg.evaluate.score import Scores as Scores
from gsseg.evaluate.score import evaluate as evaluate
from gsseg.evaluate.score import score_run as score_run
