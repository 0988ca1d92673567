"""Long bodies: read in pieces, they say what they say when they are read at once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mycelium_fractal_net.service.core.errors import ServiceError, problem_of
from mycelium_fractal_net.service.http.body import _DECODER, parse_json, parse_long_json
from mycelium_fractal_net.service.http.pieces import Pieces
from mycelium_fractal_net.service.operations.features import FeaturesRequest
from mycelium_fractal_net.service.operations.federated import AggregateRequest
from mycelium_fractal_net.service.operations.simulate import SimulateRequest
from tests.service.helpers import AUTH, client_of, make_app

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=40,
)
LONG_ROW = [1.5] * 20_000


def _read(text: str, window: int) -> Any:
    return Pieces(text, _DECODER, {}, window=window).read()


def _outcome(read: Any) -> Any:
    try:
        return read()
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


@given(VALUES, st.sampled_from([(",", ":"), (", ", ": "), (" , ", "\n: ")]), st.integers(2, 200))
def test_pieces_make_the_whole(value: Any, separators: tuple[str, str], window: int) -> None:
    text = json.dumps({"a": value, "b": [value] * 5}, separators=separators)
    assert _read(text, window) == json.loads(text)


@settings(max_examples=300)
@given(VALUES, st.data(), st.integers(2, 200))
def test_a_fault_is_found_where_it_is(value: Any, data: st.DataObject, window: int) -> None:
    text = json.dumps([value, {"b": [value] * 3}], indent=data.draw(st.sampled_from([None, 1])))
    place = data.draw(st.integers(0, len(text)))
    change = data.draw(st.sampled_from(["", ",", "]", "}", "[", "{", '"', ":", "NaN", "\\", "\n", "0", '"a":1,']))
    broken = text[:place] + change + text[place + data.draw(st.integers(0, 2)) :]
    assert _outcome(lambda: _read(broken, window)) == _outcome(lambda: _DECODER.decode(broken))


@pytest.mark.parametrize(
    "text",
    [b'{"a": "\xff"}' + b" " * 2_000_000, b'{"a": 1}' + b" " * 2_000_000 + "\u044b".encode()[:1], b"[" * 200_000, b""],
)
def test_what_is_not_json_is_refused_in_the_same_words(text: bytes) -> None:
    with pytest.raises(ServiceError, match="the body is not JSON") as whole:
        parse_json(text)
    with pytest.raises(ServiceError, match="the body is not JSON") as pieces:
        parse_long_json(text, {})
    assert pieces.value.message == whole.value.message


@pytest.mark.parametrize("text", ['{"a": "' + "x" * 70_000 + '"}', '{"a": 1' + "0" * 70_000 + ".5}"])
def test_texts_and_numbers_that_are_pages_long_are_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="characters is too long"):
        parse_long_json(text.encode(), {})


@pytest.mark.parametrize("digits", [99, 301, 308, 309, 400, 401, 5_000])
@pytest.mark.parametrize("before", range(0, 600, 97))
def test_long_integers_are_those_of_the_decoder(digits: int, before: int) -> None:
    text = json.dumps([[7] * before, {"a": [1, "9" * digits]}]).replace('"9', "9").replace('9"', "9")
    assert _outcome(lambda: _read(text, 10_000)) == _outcome(lambda: _DECODER.decode(text))


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (AggregateRequest, {"gradients": [[0.1, 2, -1e300]] * 5_000}),
        (AggregateRequest, {"gradients": [LONG_ROW, [-1] * 20_000]}),
        (AggregateRequest, {"gradients": [[1.0, None, 3]] * 9_000 + [[4, 10**330, None]]}),
        (FeaturesRequest, {"field": [LONG_ROW[:2_000]] * 50}),
        (FeaturesRequest, {"history": [[[1, 2.5]] * 3] * 3_000, "periodic": False}),
        (SimulateRequest, {"grid_size": 100, "initial_field_mv": [[-60.5] * 100] * 100}),
    ],
)
def test_arrays_of_long_bodies_have_the_numbers_of_the_lists(model: Any, body: dict[str, Any]) -> None:
    [name] = model.arrays.keys() & body.keys()
    text = json.dumps(body).encode()
    long = model.model_validate(parse_long_json(text, model.arrays))
    short = model.model_validate(parse_json(text))
    found, expected = (np.asarray(getattr(model, name), dtype=np.float64) for model in (long, short))
    assert np.array_equal(found, expected, equal_nan=True)
    assert long.model_copy(update={name: None}) == short.model_copy(update={name: None})


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (AggregateRequest, {"gradients": [[1.0]] * 100_001}),
        (AggregateRequest, {"gradients": [[1.0]] * 100_002 + ["x"]}),
        (AggregateRequest, {"gradients": []}),
        (AggregateRequest, {"gradients": [[1.0]] * 9_000 + [[]] * 9_000}),
        (AggregateRequest, {"gradients": [[1.0]] * 9_000 + [[2.0, "x"]] + [[3.0]] * 9_000}),
        (AggregateRequest, {"gradients": [[1.0]] * 9_000 + [7]}),
        (AggregateRequest, {"gradients": [LONG_ROW, [*LONG_ROW, True, *LONG_ROW]]}),
        (AggregateRequest, {"gradients": [[1.0] * 1_000_003]}),
        (AggregateRequest, {"gradients": LONG_ROW}),
        (AggregateRequest, {"gradients": [[[1.0]] * 9_000] * 2}),
        (AggregateRequest, {"gradients": {"a": LONG_ROW}}),
        (AggregateRequest, {"gradients": [[1.0]], "rule": [LONG_ROW] * 5}),
        (AggregateRequest, {"gradients": [[1.0]], "other": [{"a": [[]]}] * 50_000}),
        (FeaturesRequest, {"field": [[1.0] * 2_049] * 20}),
        (FeaturesRequest, {"field": [[1.0] * 2_000] * 20 + [[1.0] * 1_999 + [2e12] + [1.0] * 60]}),
        (FeaturesRequest, {"field": [[1.0] * 2_000] * 20 + [[1.0] * 2_050 + [2e12]]}),
        (FeaturesRequest, {"field": [[1.0, None]] * 20_000}),
        (FeaturesRequest, {"history": [[[1.0]]] * 4_097}),
        (FeaturesRequest, {"history": [[["x"]]] * 50_000}),
        (FeaturesRequest, {"history": [[[1.0]]] * 100 + [[[1.0], [-2e12]]] + [["x"]] * 9_000}),
        (FeaturesRequest, {"history": [[[1.0]], 5, [[1.0] * 9_000] * 3]}),
        (SimulateRequest, {"initial_field_mv": [[1.0] * 300] * 7}),
        (SimulateRequest, {"initial_field_mv": [[1.0] * 300] * 7 + [[1.0] * 7]}),
        (SimulateRequest, {"include": ["x"] * 300_000}),
        (SimulateRequest, {"clamp_mv": [True] * 300_000}),
    ],
)
def test_faults_of_long_bodies_are_told_as_those_of_short_ones(model: Any, body: dict[str, Any]) -> None:
    told = []
    for content in (parse_json(json.dumps(body).encode()), parse_long_json(json.dumps(body).encode(), model.arrays)):
        with pytest.raises(ValidationError, match=r"error|should") as error:
            model.model_validate(content)
        problem = problem_of(error.value)
        told.append((problem.message, [(detail["field"], detail["message"]) for detail in problem.details]))
    assert told[0] == told[1]


@pytest.mark.anyio
@pytest.mark.parametrize("rule", ["mean", "median", "krum"])
async def test_long_gradients_are_aggregated_to_the_bits_of_the_library(rule: str) -> None:
    gradients = np.random.default_rng(2).normal(size=(9, 20_000))
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post("/federated/aggregate", json={"gradients": gradients.tolist(), "rule": rule})
    expected = {"mean": gradients.mean(0), "median": np.median(gradients, axis=0)}.get(rule)
    found = np.array(answer.json()["aggregated_gradient"])
    assert np.allclose(found, expected, rtol=1e-14) if expected is not None else (found == gradients).all(1).any()


@pytest.mark.anyio
async def test_long_rows_of_several_lengths_are_no_rectangle() -> None:
    body = {"gradients": [LONG_ROW, LONG_ROW[:-1]]}
    async with client_of(make_app(), headers=AUTH) as client:
        answer: httpx.Response = await client.post("/federated/aggregate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
    assert "rows differ" in answer.json()["message"]
