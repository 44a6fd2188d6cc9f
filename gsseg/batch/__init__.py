"""Many scenes: the same commands over each of a list, and one table of their scores."""

from gsseg.batch.engine import Engine as Engine
from gsseg.batch.engine import Job as Job
from gsseg.batch.engine import Outcome as Outcome
from gsseg.batch.local import LocalEngine as LocalEngine
from gsseg.batch.plan import BatchPlan as BatchPlan
from gsseg.batch.schedule import run_batch as run_batch
from gsseg.batch.summary import Summary as Summary
