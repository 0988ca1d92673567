"""Threads by default: no more than the affinity mask and the control group's quota let run."""

import os
from pathlib import Path

import pytest

from mycelium_fractal_net._checks import available_cores

MASK = 8


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MASK)))


def machine(root: Path, groups: str, **files: str) -> str:
    """Lay out the files of the kernel; in a file's name a double underscore stands for a slash."""
    files = {f"sys/fs/cgroup/{name.replace('__', '/').replace('--', '.')}": text for name, text in files.items()}
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", MASK), ("400000 100000", 4), ("250000 100000", 2), ("50000 100000", 1), ("2000000 100000", MASK)],
)
def test_a_quota_of_version_2_counts_whole_cores(tmp_path: Path, quota: str, cores: int) -> None:
    root = machine(tmp_path, "0::/pod/box\n", **{"pod__box__cpu.max": quota})
    assert available_cores(root) == cores


def test_the_tightest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    files = {"pod__box__cpu.max": "600000 100000", "pod__cpu.max": "300000 100000", "cpu.max": "max 100000"}
    assert available_cores(machine(tmp_path, "0::/pod/box\n", **files)) == 3


def test_in_a_namespace_the_own_group_is_the_root(tmp_path: Path) -> None:
    assert available_cores(machine(tmp_path, "0::/\n", **{"cpu.max": "200000 100000"})) == 2


@pytest.mark.parametrize(("quota", "cores"), [("-1", MASK), ("300000", 3)])
def test_a_quota_of_version_1(tmp_path: Path, quota: str, cores: int) -> None:
    files = {"cpu,cpuacct__pod__cpu.cfs_quota_us": quota, "cpu,cpuacct__pod__cpu.cfs_period_us": "100000"}
    root = machine(tmp_path, "5:memory:/pod\n4:cpu,cpuacct:/pod\n", **files)
    assert available_cores(root) == cores


@pytest.mark.parametrize("text", ["", "nonsense", "0 0", "1 2 3"])
def test_what_cannot_be_read_is_no_quota(tmp_path: Path, text: str) -> None:
    assert available_cores(machine(tmp_path, "0::/\n", **{"cpu.max": text})) == MASK
    assert available_cores(str(tmp_path / "nothing")) == MASK
