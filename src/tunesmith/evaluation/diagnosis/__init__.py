"""Says in words what is wrong with generated audio, why, and what to do: one rule per file."""

from tunesmith.evaluation.diagnosis.diagnose import RUN_RULES, diagnose_run, judge_run
from tunesmith.evaluation.diagnosis.registry import FILE_RULES, diagnose_file, reference_of
from tunesmith.evaluation.diagnosis.rule import Context, Rule, Verdict
from tunesmith.evaluation.diagnosis.run_finding import Losses, RunData
from tunesmith.records.run_finding import RunFinding

__all__ = [
    "FILE_RULES",
    "RUN_RULES",
    "Context",
    "Losses",
    "Rule",
    "RunData",
    "RunFinding",
    "Verdict",
    "diagnose_file",
    "diagnose_run",
    "judge_run",
    "reference_of",
]
