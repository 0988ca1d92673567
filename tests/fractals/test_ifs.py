import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals import box_counting_dimension, generate_ifs, list_ifs, similarity_dimension
from tests.fractals.shapes import self_similar

DIMENSIONS = {
    "cantor-dust": math.log(4) / math.log(3),
    "carpet": math.log(8) / math.log(3),
    "dragon": 2.0,
    "hexaflake": math.log(7) / math.log(3),
    "koch": math.log(4) / math.log(3),
    "sierpinski": math.log(3) / math.log(2),
    "vicsek": math.log(5) / math.log(3),
}
FLIP = np.asarray([[0.5, 0.0], [0.0, 0.25]])


@pytest.mark.parametrize("name", DIMENSIONS)
def test_named_systems_have_their_published_dimension(name: str) -> None:
    assert generate_ifs(name, points=10).similarity_dimension == pytest.approx(DIMENSIONS[name], abs=1e-12)


def test_every_system_but_the_fern_consists_of_similarities() -> None:
    assert set(list_ifs()) == {*DIMENSIONS, "barnsley-fern"}
    assert generate_ifs("barnsley-fern", points=10).similarity_dimension is None


@pytest.mark.parametrize("name", ["sierpinski", "carpet", "vicsek", "cantor-dust"])
def test_rasters_at_a_matching_size_are_the_kronecker_powers(name: str) -> None:
    expected = self_similar(name.replace("-", " "))[0]
    np.testing.assert_array_equal(generate_ifs(name, points=10).mask(len(expected)), expected)


@pytest.mark.parametrize("name", list_ifs())
def test_the_chaos_game_stays_on_the_attractor(name: str) -> None:
    system = generate_ifs(name, points=20_000, seed=3)
    left, bottom, side = system.frame
    column = np.floor((system.points[:, 0] - left) / side * 128).astype(int)
    row = 127 - np.floor((system.points[:, 1] - bottom) / side * 128).astype(int)
    near = np.pad(system.mask(128), 1)
    around = np.any([near[row + i, column + j] for i in range(3) for j in range(3)], axis=0)
    assert around.all()


@pytest.mark.parametrize("name", ["carpet", "koch", "sierpinski"])
def test_the_game_visits_the_whole_attractor_evenly(name: str) -> None:
    system = generate_ifs(name, points=200_000)
    left, bottom, side = system.frame
    cells = np.floor((system.points - [left, bottom]) / side * 27).astype(int)
    visited = np.zeros((27, 27), dtype=bool)
    visited[26 - cells[:, 1].clip(0, 26), cells[:, 0].clip(0, 26)] = True
    assert (visited | ~system.mask(27)).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 16))
def test_box_counting_finds_the_dimension_of_random_systems(seed: int, maps: int) -> None:
    system = generate_ifs("random", points=1, seed=seed, maps=maps)
    assert system.similarity_dimension is not None
    found = box_counting_dimension(system.mask(512), scales=[2, 4, 8, 16, 32])
    assert found.dimension == pytest.approx(system.similarity_dimension, abs=0.12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 64))
def test_random_systems_send_the_unit_square_into_disjoint_cells(seed: int, maps: int) -> None:
    system = generate_ifs("random", points=1, seed=seed, maps=maps)
    corners = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    images = np.einsum("kij,cj->kci", system.matrices, corners) + system.offsets[:, None]
    grid = math.ceil(math.sqrt(maps))
    centres = np.floor(images.mean(axis=1) * grid)
    assert len({tuple(centre) for centre in centres}) == maps
    assert (np.abs(images - ((centres + 0.5) / grid)[:, None]) <= 0.5 / grid + 1e-12).all()


def test_lyapunov_exponents_of_similarities_are_the_mean_logarithm_of_the_ratios() -> None:
    halves = [(np.eye(2) / 2, [0, 0]), (np.eye(2) / 8, [0.5, 0.5])]
    system = generate_ifs(halves, points=10, probabilities=[3, 1])
    expected = 0.75 * math.log(1 / 2) + 0.25 * math.log(1 / 8)
    np.testing.assert_allclose(system.lyapunov_exponents, [expected, expected], rtol=1e-14)
    assert system.name == "custom"


def test_those_of_triangular_maps_are_the_means_of_the_diagonals() -> None:
    shear = np.asarray([[0.2, 0.4], [0.0, 0.7]])
    system = generate_ifs([(FLIP, [0, 0]), (shear, [0.1, 0.2])], points=10, probabilities=[1, 1])
    expected = sorted([math.log(0.5 * 0.2) / 2, math.log(0.25 * 0.7) / 2], reverse=True)
    np.testing.assert_allclose(system.lyapunov_exponents, expected, rtol=1e-14)


def test_those_of_commuting_turns_are_measured_right() -> None:
    axes = np.asarray([[0.8, 0.6], [-0.6, 0.8]])
    maps = [(axes @ np.diag([0.9, 0.3]) @ axes.T, [0, 0]), (axes @ np.diag([0.5, 0.6]) @ axes.T, [0.1, 0.1])]
    system = generate_ifs(maps, points=10, probabilities=[0.5, 0.5])
    expected = [math.log(0.9 * 0.5) / 2, math.log(0.3 * 0.6) / 2]
    np.testing.assert_allclose(system.lyapunov_exponents, expected, atol=2e-3)


def test_the_fern_flattens_and_so_has_one_exponent_of_minus_infinity() -> None:
    first, second = generate_ifs("barnsley-fern", points=10).lyapunov_exponents
    assert first == pytest.approx(-0.316, abs=0.01)
    assert second == -math.inf


def test_maps_onto_one_point_have_no_finite_exponent() -> None:
    nothing = np.zeros((2, 2))
    turn = np.asarray([[0.0, -0.5], [0.4, 0.0]])
    exponents = generate_ifs([(nothing, [0, 0]), (turn, [1, 1])], points=10).lyapunov_exponents
    assert exponents.tolist() == [-math.inf, -math.inf]


def test_equal_seeds_give_equal_points_and_others_do_not() -> None:
    first, again, other = (generate_ifs("random", 1000, seed=seed).points for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_names_are_forgiving_about_case_and_separators() -> None:
    assert generate_ifs(" Cantor_Dust ", points=5).name == "cantor-dust"


def test_a_frame_around_custom_maps_holds_their_points() -> None:
    system = generate_ifs([(FLIP, [3.0, 4.0]), (FLIP, [-1.0, 2.0])], points=1000)
    left, bottom, side = system.frame
    assert ((system.points >= [left, bottom]) & (system.points <= [left + side, bottom + side])).all()
    assert system.mask(64).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"system": "sponge"}, "'random' or one of barnsley-fern"),
        ({"system": 3}, "sequence of pairs"),
        ({"system": []}, "sequence of pairs"),
        ({"system": [(np.eye(3) / 2, [0, 0])]}, "sequence of pairs"),
        ({"system": [(np.eye(2) / 2, [0, 0, 0])]}, "sequence of pairs"),
        ({"system": [(np.eye(2) * np.nan, [0, 0])]}, "finite numbers"),
        ({"system": [(np.eye(2), [0, 0])]}, "contractions"),
        ({"points": 0}, "points must be a whole number from 1"),
        ({"points": 10**9}, "points must be a whole number from 1"),
        ({"points": 10.0}, "points must be a whole number from 1"),
        ({"points": True}, "points must be a whole number from 1"),
        ({"seed": -1}, "seed must be"),
        ({"seed": None}, "seed must be"),
        ({"maps": 1}, "maps must be a whole number from 2 to 64"),
        ({"probabilities": [1, 1]}, "3 positive numbers"),
        ({"probabilities": [1, 0, 1]}, "3 positive numbers"),
        ({"probabilities": [1, 1, math.nan]}, "3 positive numbers"),
        ({"probabilities": "abc"}, "3 positive numbers"),
    ],
)
def test_unusable_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        generate_ifs(**arguments)


@pytest.mark.parametrize("size", [0, 8193, 2.5, "64"])
def test_unusable_sizes_of_masks_are_refused(size: Any) -> None:
    with pytest.raises(InvalidInputError, match="size must be"):
        generate_ifs(points=1).mask(size)


def test_maps_that_hardly_contract_are_refused_by_the_raster_only() -> None:
    slow = generate_ifs([(np.eye(2) * 0.999, [0, 0]), (np.eye(2) * 0.999, [1, 1])], points=100)
    with pytest.raises(InvalidInputError, match="contract too little"):
        slow.mask(64)


@pytest.mark.parametrize(
    ("ratios", "dimension"),
    [
        ([0.5, 0.5], 1.0),
        ([0.25] * 4, 1.0),
        ([0.5, 0.25], math.log((1 + math.sqrt(5)) / 2) / math.log(2)),
        ([1 / 3] * 8, math.log(8) / math.log(3)),
        ([0.3], 0.0),
        ([0.999] * 3, math.log(3) / -math.log(0.999)),
    ],
)
def test_morans_equation_has_known_solutions(ratios: list[float], dimension: float) -> None:
    assert similarity_dimension(ratios) == pytest.approx(dimension, rel=1e-12, abs=1e-12)


@given(st.lists(st.floats(1e-6, 0.999), min_size=1, max_size=50))
def test_its_solution_satisfies_it(ratios: list[float]) -> None:
    dimension = similarity_dimension(ratios)
    assert sum(ratio**dimension for ratio in ratios) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("ratios", [[], [1.0], [0.0], [-0.5], [math.nan], "half", [[0.5]], [None]])
def test_ratios_outside_zero_to_one_are_refused(ratios: Any) -> None:
    with pytest.raises(InvalidInputError, match="ratios must be"):
        similarity_dimension(ratios)
