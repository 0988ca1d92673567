"""Which directories machine code is taken from, and which are refused because others could have written there."""

import os
from pathlib import Path

import pytest

from mycelium_fractal_net._compiled import places
from mycelium_fractal_net._compiled.places import Place, is_safe, kernel_directory, places_of

SOMEBODY = 12_345
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")


def test_the_named_directory_comes_before_the_shipped_one_and_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir(mode=0o755)
    monkeypatch.setattr(places, "SHIPPED", shipped)
    named, users = tmp_path / "named", tmp_path / "users"
    found = places_of({"MFN_CACHE_DIR": str(named), "XDG_CACHE_HOME": str(users), "HOME": "/nowhere"})
    assert list(found) == [
        Place(kernel_directory(named), writable=True),
        Place(shipped, writable=False),
        Place(kernel_directory(users), writable=True),
    ]


def test_without_an_own_place_the_cache_of_the_home_serves(tmp_path: Path) -> None:
    (found,) = places_of({"HOME": str(tmp_path)})
    assert found.path == kernel_directory(tmp_path / ".cache")


def test_a_directory_that_it_makes_belongs_to_the_user_alone_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (found,) = places_of({"MFN_CACHE_DIR": str(tmp_path / "a" / "b")})
    finally:
        os.umask(before)
    made = [found.path, *found.path.parents][: len(found.path.relative_to(tmp_path).parts)]
    assert {step.stat().st_mode & 0o777 for step in made} == {0o700}


@pytest.mark.parametrize("value", ["{file}/below", "/proc/nobody/home", "/dev/null/x"])
def test_a_place_that_cannot_be_made_is_left_out(tmp_path: Path, value: str) -> None:
    (tmp_path / "file").write_text("in the way")
    assert list(places_of({"MFN_CACHE_DIR": value.format(file=tmp_path / "file"), "HOME": "/dev/null"})) == []


@pytest.mark.parametrize(("mode", "safe"), [(0o700, True), (0o755, True), (0o777, False), (0o703, False)])
def test_a_directory_that_others_can_write_to_is_not_safe(tmp_path: Path, mode: int, safe: bool) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(mode)
    assert is_safe(tmp_path / "cache") is safe


def test_what_lies_below_a_directory_that_others_can_write_to_is_not_safe(tmp_path: Path) -> None:
    inner = tmp_path / "open" / "cache"
    inner.mkdir(parents=True)
    (tmp_path / "open").chmod(0o777)
    assert not is_safe(inner)
    (tmp_path / "open").chmod(0o1777)  # as /tmp: nobody can replace what belongs to another
    assert is_safe(inner)


def test_a_sticky_directory_itself_is_not_safe(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o1777)
    assert not is_safe(tmp_path / "cache")


@root_only
def test_what_belongs_to_another_user_is_not_safe(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert is_safe(tmp_path / "file")
    os.chown(tmp_path / "file", SOMEBODY, -1)
    assert not is_safe(tmp_path / "file")


@root_only
def test_a_group_that_others_are_in_may_not_write(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o770)
    os.chown(tmp_path / "cache", -1, SOMEBODY)
    assert not is_safe(tmp_path / "cache")


@root_only
def test_a_user_trusts_what_root_has_made_and_root_nothing_of_a_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of-root").mkdir()
    (tmp_path / "of-user").mkdir()
    os.chown(tmp_path / "of-user", SOMEBODY, SOMEBODY)
    assert not is_safe(tmp_path / "of-user")
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    assert is_safe(tmp_path / "of-root")
    assert is_safe(tmp_path / "of-user")


def test_a_link_is_as_safe_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    assert not is_safe(tmp_path / "link")
    assert not is_safe(tmp_path / "nothing")


def test_an_unsafe_place_is_refused_with_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o777)
    assert list(places_of({"MFN_CACHE_DIR": str(tmp_path)})) == []
    assert "no kernels are taken from" in caplog.text
    assert "MFN_CACHE_DIR" in caplog.text
