"""Who watches is told what is compiled, how long it takes about, and can stop it."""

import pytest

from mycelium_fractal_net._compiled import njit, watch
from mycelium_fractal_net._compiled.watch import Announcement, expecting, loaded, notify, watching


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_told", set()), ("_expected", set()), ("_watches", [])):
        monkeypatch.setattr(watch, name, value)
    monkeypatch.setattr(watch, "_slowness", lambda: 2.0)


def kernel_of_two() -> tuple[object, object]:
    @njit()
    def inner(x):  # type: ignore[no-untyped-def]
        return x + 1

    @njit()
    def outer(x):  # type: ignore[no-untyped-def]
        return inner(x)

    return inner, outer


def test_a_compilation_begins_goes_on_between_functions_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelium_fractal_net._compiled.cache.places", lambda: ())
    states: list[str] = []
    with watching(lambda announcement: states.append(announcement.state)):
        _, outer = kernel_of_two()
        outer(1)  # type: ignore[operator]
    assert (states[0], states[-1]) == ("begins", "ends")
    assert states.count("begins") == states.count("ends") == 1
    assert "continues" in states


def test_what_a_watch_raises_stops_the_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelium_fractal_net._compiled.cache.places", lambda: ())

    def stop(announcement: Announcement) -> None:
        if announcement.state == "continues":
            raise KeyboardInterrupt

    _, outer = kernel_of_two()
    with watching(stop), pytest.raises(KeyboardInterrupt):
        outer(1)  # type: ignore[operator]
    assert outer(1) == 2  # type: ignore[operator] # and it can be compiled afterwards


def test_the_time_told_is_that_of_all_that_is_expected_on_this_machine() -> None:
    told: list[Announcement] = []
    with watching(told.append), expecting("advance_whole", "_summarise"):
        for kernel in ("advance_whole", "_summarise", "advance_whole"):
            notify("begins", kernel)
    seconds = 2.0 * (watch._SECONDS["advance_whole"] + watch._SECONDS["_summarise"])
    assert [item.told for item in told] == [False, True, True]
    assert str(told[0]) == f"compiling kernels, once, about {seconds:.0f} s"


def test_what_was_loaded_is_not_counted() -> None:
    told: list[Announcement] = []
    with watching(told.append), expecting("advance_whole", "_summarise"):
        loaded("advance_whole")
        notify("begins", "_summarise")
    assert [item.seconds for item in told] == [2.0 * watch._SECONDS["_summarise"]]


def test_a_short_compilation_is_not_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_slowness", lambda: 0.5)
    told: list[Announcement] = []
    with watching(told.append):
        notify("begins", "a small kernel")
    assert [item.told for item in told] == [True]
