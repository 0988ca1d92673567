"""Bodies: hostile nesting, duplicate keys, arrays."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.http.body import parse_json, parse_npy
from tests.service.helpers import AUTH, client_of, make_app

SIZE = 4 * 2**20 - 64
JSON = {**AUTH, "Content-Type": "application/json"}
NPY = {**AUTH, "Content-Type": "application/x-npy"}


def _filled(begin: bytes, unit: bytes, end: bytes) -> bytes:
    return begin + unit * ((SIZE - len(begin) - len(end)) // len(unit)) + end


NESTINGS = {
    "open lists": _filled(b'{"field":', b"[", b"}"),
    "open lists of texts": _filled(b'{"field":', b'["[",', b"]}"),
    "closed one in another": b'{"field":' + b"[" * (SIZE // 2) + b"]" * (SIZE // 2) + b"}",
    "1,000 deep, over and over": _filled(b'{"field":[', b"[" * 1000 + b"]" * 1000 + b",", b"[1]]}"),
    "a row of brackets": _filled(b'{"field":[', b'["["],', b"[1]]}"),
    "empty lists": _filled(b'{"field":[', b"[],", b"[]]}"),
    "empty objects": _filled(b'{"field":[', b"{},", b"{}]}"),
    "objects in objects": _filled(b'{"field":', b'{"a":', b"1}"),
    "objects with a member": _filled(b'{"field":[', b'{"a":1},', b"1]}"),
    "lists and objects in turn": _filled(b'{"field":[', b'[{"a":[{"b":[]}]}],', b"1]}"),
    "members of one object": b'{"config":{' + b",".join(b'"%d":[[]]' % i for i in range(280_000)) + b"}}",
    "escaped quotes": _filled(b'{"field":["', b'\\"[', b'"]}'),
    "numbers and commas": _filled(b'{"field":[[', b"1,", b"1]]}"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", NESTINGS)
async def test_a_body_of_four_mebibytes_is_refused_in_a_second_however_it_is_nested(name: str) -> None:
    async with client_of(make_app(), headers=JSON) as client:
        begin = time.process_time()
        answer = await client.post("/features", content=NESTINGS[name])
        used_s = time.process_time() - begin
    assert answer.status_code == 422, answer.text[:200]
    assert used_s < 1.0


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": {"b": [1, {"c": 1, "c": 2}]}}',
        b'[[{"a": ":"}, {"b": 1, "b": "::"}]]',
        b'{"x": ":::", "a": 1, "a": 2}',
    ],
)
def test_a_duplicate_key_is_refused(text: bytes) -> None:
    with pytest.raises(ServiceError, match="duplicate key"):
        parse_json(text)


@pytest.mark.parametrize("text", [b'{":": ":"}', b'{"a": "x:\\"y\\":z", "b": [{"c": 1}]}', b'[":", {"a": 1}]', b"3"])
def test_colons_in_texts_are_no_duplicates(text: bytes) -> None:
    assert parse_json(text) is not None


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


FIELD = np.random.default_rng(3).normal(-60.0, 8.0, (12, 9))


@pytest.mark.anyio
@pytest.mark.parametrize("array", [FIELD, np.asfortranarray(FIELD), np.stack([FIELD, FIELD + 1])])
async def test_features_of_an_array_are_those_of_the_same_numbers_in_json(array: np.ndarray) -> None:
    name = "field" if array.ndim == 2 else "history"
    async with client_of(make_app(), headers=AUTH) as client:
        listed = await client.post("/features", json={name: array.tolist(), "periodic": False})
        packed = await client.post(
            "/features?periodic=false", content=npy(array), headers={"Content-Type": "application/x-npy"}
        )
    assert packed.json() == listed.json()
    assert packed.status_code == 200


@pytest.mark.anyio
async def test_gradients_and_start_fields_come_as_arrays_too() -> None:
    gradients, start = np.arange(20.0).reshape(10, 2), np.full((8, 8), -60.0)
    async with client_of(make_app(), headers=NPY) as client:
        combined = await client.post("/federated/aggregate?rule=median&byzantine_fraction=0.1", content=npy(gradients))
        vector = await client.post(
            "/federated/aggregate?rule=median", content=npy(gradients), headers={"Accept": "application/x-npy"}
        )
        grown = await client.post("/simulate?grid_size=8&steps=2&include=features,field", content=npy(start))
    assert combined.json()["aggregated_gradient"] == [9.0, 10.0]
    assert np.load(io.BytesIO(vector.content)).tolist() == [9.0, 10.0]
    expected = mfn.simulate(mfn.SimulationConfig(grid_size=8, steps=2), start)
    assert grown.json()["receipt"]["result_digest"] == expected.digest
    assert {"features", "field"} <= set(grown.json())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/features", npy(np.ones(3)), "must have 2 axes"),
        ("/features", npy(np.full((2, 2), np.nan)), "between"),
        ("/features", npy(np.ones((1, 3000))), "array of"),
        ("/features?colour=3", npy(FIELD), "colour"),
        ("/features?periodic=1&periodic=0", npy(FIELD), "twice"),
        ("/simulate?grid_size=16", npy(np.full((8, 8), 2000.0)), "between -1000 and 1000"),
        ("/simulate?grid_size=16", npy(np.full((8, 8), -60.0)), "initial_field_mv"),
    ],
)
async def test_an_array_that_does_not_fit_is_refused_with_the_reason(path: str, body: bytes, word: str) -> None:
    async with client_of(make_app(), headers=NPY) as client:
        answer = await client.post(path, content=body)
    assert answer.status_code == 422
    assert word in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x93NUMPY",
        npy(np.ones((2, 2)))[:-1],
        npy(np.ones((2, 2))) + b"x",
        npy(np.ones((2, 2), complex)),
        npy(np.ones((0, 2))),
        npy(np.ones((2, 2))).replace(b"(2, 2)", b"(-2,2)"),
        npy(np.ones((2, 2))).replace(b"(2, 2), ", b"(9**9,),"),
        npy(np.array(["a"])),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(body: bytes) -> None:
    with pytest.raises(ServiceError, match=r"array"):
        parse_npy(body)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/nernst", 64 * 2**10 + 1, 413),
        ("/validate", 64 * 2**10 + 1, 413),
        ("/simulate", 64 * 2**10 + 1, 413),
        ("/features", 64 * 2**10 + 1, 422),
        ("/features", 4 * 2**20 + 1, 413),
        ("/federated/aggregate", 4 * 2**20 + 1, 413),
    ],
)
async def test_each_operation_has_its_own_limit_of_json(path: str, size: int, status: int) -> None:
    async with client_of(make_app(), headers=JSON) as client:
        answer = await client.post(path, content=b"{" + b" " * (size - 2) + b"}")
    assert answer.status_code == status
