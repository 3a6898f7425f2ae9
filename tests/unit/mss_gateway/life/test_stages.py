"""THE table of stages: each lives where it says, and is called as it is called elsewhere."""

import importlib

from mss_gateway.life import STAGES
from mss_gateway.observability.audit import ACTS
from mss_gateway.queue.worker import HANDLERS


def test_a_stage_is_a_module() -> None:
    for stage in STAGES:
        module = importlib.import_module(stage.module)
        assert module.__doc__
        assert stage.name in (stage.module.rpartition(".")[2], stage.module.split(".")[1])


def test_the_queue_runs_stages_only() -> None:
    assert set(HANDLERS) <= {stage.name for stage in STAGES}


def test_what_is_on_record_speaks_of_stages() -> None:
    recorded = {"submission", "policy", "store", "queue", "deliver", "dossier", "report"}
    assert recorded <= set(ACTS)
    assert recorded <= {stage.name for stage in STAGES}
