"""Checks beside those of schemathesis: what only this service promises."""

from __future__ import annotations

from typing import Any

import schemathesis

RULES = {"AGGREGATION_FAILED", "COST_LIMIT_EXCEEDED", "INVALID_INPUT", "NUMERICAL_DIVERGENCE", "UNSTABLE_PARAMETERS"}
"""Codes of what depends on more than one field."""

SHARED_FIELDS = {
    "clamp_mv", "rest_potential_mv", "kinetics_parameters", "start_digest", "domain", "grid_size", "resolution",
    "schedule", "stimuli", "config.cluster_thresholds_mv", "feature_config.cluster_thresholds_mv",
}  # fmt: skip
"""Where a validation error may be about several numbers: clamp and rest; parameters of another kinetics; the start;
the lattice's sides and its resolution; steps that never come; thresholds, which ascend."""


@schemathesis.check
def valid_data_is_refused_for_rules_only(ctx: Any, response: Any, case: Any) -> None:
    if response.status_code == 422 and case.meta.generation.mode.is_positive:
        problem = response.json()
        fields = {detail["field"] for detail in problem["details"]}
        assert problem["code"] in RULES or fields <= SHARED_FIELDS, f"the description allows {sorted(fields)}"


@schemathesis.check
def every_answer_has_its_id(ctx: Any, response: Any, case: Any) -> None:
    [identity] = response.headers["x-request-id"]
    assert response.status_code < 400 or response.json()["request_id"] == identity
