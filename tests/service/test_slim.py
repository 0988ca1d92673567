"""The service without the packages that only some requests need."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mycelium_fractal_net.service.http import representations
from mycelium_fractal_net.service.http.representations import ARROW, JSON, NPY
from tests.service.helpers import AUTH, SMALL, client_of, make_app

pytestmark = pytest.mark.anyio
START = """
import sys
from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.settings import load_settings
create_app(load_settings(env="dev"))
print(sorted({"sklearn", "pyarrow", "torch", "matplotlib", "scipy"} & sys.modules.keys()))
"""


def test_the_server_starts_without_loading_what_it_does_not_need() -> None:
    assert subprocess.check_output([sys.executable, "-c", START], text=True) == "[]\n"


def test_the_extra_for_the_server_asks_for_neither() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert not [line for line in extras["server"] if line.startswith(("scikit-learn", "pyarrow"))]
    assert extras["arrow"] == ["pyarrow>=17"]


@pytest.fixture
def no_arrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representations, "offers", lambda: (JSON, NPY))


@pytest.mark.usefixtures("no_arrow")
async def test_without_pyarrow_arrow_is_not_acceptable_and_the_next_best_is_given() -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        only = await client.post("/simulate", json=SMALL, headers={"Accept": ARROW})
        either = await client.post("/simulate", json=SMALL, headers={"Accept": f"{ARROW}, {NPY};q=0.5"})
    assert (only.status_code, only.json()["code"]) == (406, "NOT_ACCEPTABLE")
    assert ARROW not in only.json()["message"]
    assert (either.status_code, either.headers["content-type"]) == (200, NPY)


async def test_without_scikit_learn_the_self_check_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sklearn", "sklearn.neural_network", "sklearn.preprocessing"):
        monkeypatch.setitem(sys.modules, name, None)
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post("/validate", json={"grid_size": 16, "steps": 16})
    assert (answer.status_code, answer.json()["code"]) == (501, "MISSING_EXTRA")
    assert 'pip install "mycelium-fractal-net[learn]"' in answer.json()["message"]
