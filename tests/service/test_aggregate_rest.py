"""Aggregation over REST: the rules of the library, with its results, reasons and refusals."""

import httpx
import numpy as np
import pytest
from scipy.stats import hypergeom

from mycelium_fractal_net.federated import RULES, HierarchicalKrum, Median, TrimmedMean, make_rule
from tests.service.helpers import AUTH, client_of, make_app

pytestmark = pytest.mark.anyio


async def _post(path: str, body: object, headers: dict[str, str] | None = None) -> httpx.Response:
    async with client_of(make_app(), headers=AUTH) as client:
        return await client.post(path, json=body, headers=headers)


async def test_aggregation_is_that_of_the_library() -> None:
    gradients = np.random.default_rng(1).normal(size=(30, 4))
    expected = HierarchicalKrum(10, 0.2, seed=5).aggregate(gradients)
    body = (await _post("/federated/aggregate", {"gradients": gradients.tolist(), "seed": 5})).json()
    assert body["aggregated_gradient"] == expected.vector.tolist()
    assert body["selected"] == list(expected.selected)
    assert (body["num_input_gradients"], body["seed"], body["rejected"]) == (30, 5, [])
    median = (await _post("/federated/aggregate", {"gradients": gradients.tolist(), "rule": "median"})).json()
    assert median["aggregated_gradient"] == Median()(gradients).tolist()


@pytest.mark.parametrize("rule", ["hierarchical_krum", "tree"])
async def test_the_seed_that_was_drawn_repeats_the_bits(rule: str) -> None:
    body = {"gradients": np.random.default_rng(1).normal(size=(40, 3)).tolist(), "rule": rule}
    first, second = [(await _post("/federated/aggregate", body)).json() for _ in range(2)]
    again = (await _post("/federated/aggregate", {**body, "seed": first["seed"]})).json()
    assert again == first
    assert first["seed"] != second["seed"]
    assert max(first["seed"], second["seed"]) < 2**53


async def test_a_rule_without_a_seed_reports_none() -> None:
    body = {"gradients": [[1.0]] * 5, "rule": "median"}
    assert (await _post("/federated/aggregate", body)).json()["seed"] is None


async def test_a_gradient_that_is_not_finite_is_rejected_and_counts() -> None:
    rest = ", ".join(f"[{i}.0, 1]" for i in range(9))
    text = f'{{"gradients": [[1, null], {rest}], "rule": "trimmed_mean", "byzantine_fraction": %s}}'
    async with client_of(make_app(), headers=AUTH | {"Content-Type": "application/json"}) as client:
        answer = await client.post("/federated/aggregate", content=text % 0.2)
        refused = await client.post("/federated/aggregate", content=text % 0.0)
    expected = TrimmedMean(2)([[1, np.nan], *([float(i), 1] for i in range(9))])
    assert (answer.json()["rejected"], answer.json()["f"]) == ([0], 2)
    assert answer.json()["aggregated_gradient"] == expected.tolist()
    assert refused.json()["message"].startswith("1 of 10 updates are not finite")
    assert refused.json()["details"][0]["field"] == "gradients"


async def test_a_share_counts_without_the_noise_of_binary_fractions() -> None:
    body = {"gradients": [[1.0]] * 100, "rule": "krum", "byzantine_fraction": 0.29}
    assert (await _post("/federated/aggregate", body)).json()["f"] == 29


async def test_hierarchical_krum_says_its_chance_and_what_that_rests_on() -> None:
    body = (await _post("/federated/aggregate", {"gradients": [[float(i)] for i in range(100)]})).json()
    assert body["failure_probability"] == pytest.approx(hypergeom.sf(2, 100, 20, 10), rel=1e-9)
    assert body["assumption"] == "at most 20 of 100 clients are hostile, and none knew the seed"


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"gradients": [[1.0]] * 2, "rule": "krum"}, "gradients", 2),
        ({"gradients": [[1.0]] * 20, "num_clusters": 7}, "gradients", 20),
        ({"gradients": [[1.0]] * 20, "num_clusters": 3, "byzantine_fraction": 0.4}, "num_clusters", 3),
        ({"gradients": [[1.0]] * 9, "byzantine_fraction": 0.4}, "byzantine_fraction", 0.4),
        ({"gradients": [[1.0]] * 8}, "gradients", 8),
        ({"gradients": [[1.0]] * 20, "num_clusters": 2}, "num_clusters", 2),
    ],
)
async def test_an_aggregation_that_fails_names_a_field(change: dict[str, object], field: str, value: float) -> None:
    problem = (await _post("/federated/aggregate", change)).json()
    assert problem["code"] == "AGGREGATION_FAILED"
    assert problem["details"] == [{"field": field, "message": problem["message"], "value": value}]


@pytest.mark.parametrize("rule", RULES)
async def test_every_rule_withstands_one_wild_gradient_or_is_the_mean(rule: str) -> None:
    gradients = [[1.0 + 0.01 * i, -1.0] for i in range(29)] + [[1e6, 1e6]]
    body = {"gradients": gradients, "rule": rule, "byzantine_fraction": 0.1, "seed": 1}
    answer = (await _post("/federated/aggregate", body)).json()
    assert (abs(answer["aggregated_gradient"][1] + 1.0) < 0.5) == (rule != "mean")


async def test_one_cluster_is_krum_over_all_and_the_answer_says_so() -> None:
    gradients = [[float(i % 5)] for i in range(10)]
    body = (await _post("/federated/aggregate", {"gradients": gradients, "num_clusters": 1})).json()
    expected = make_rule("krum", 10).aggregate(gradients).to_dict()
    assert {name: body[name] for name in expected} == expected


async def test_few_gradients_get_fewer_clusters_and_too_few_a_hint() -> None:
    twelve = (await _post("/federated/aggregate", {"gradients": [[1.0]] * 12})).json()
    assert "clusters=4" in twelve["rule"]
    answer = await _post("/federated/aggregate", {"gradients": [[1.0]] * 8})
    assert (answer.status_code, answer.json()["code"]) == (422, "AGGREGATION_FAILED")
    assert "Take median" in answer.json()["message"]
