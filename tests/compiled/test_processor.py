"""The level of a processor follows from its flags."""

import platform
from pathlib import Path

import pytest

from mycelium_fractal_net._compiled.processor import levels

V2 = "fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
V3 = f"{V2} abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"
V4 = f"{V3} avx512bw avx512cd avx512dq avx512f avx512vl"


@pytest.mark.parametrize(
    ("flags", "reached"),
    [
        ("fpu sse sse2", ()),
        (V2, ("x86-64-v2",)),
        (V3, ("x86-64-v3", "x86-64-v2")),
        (V4, ("x86-64-v4", "x86-64-v3", "x86-64-v2")),
        (V3.replace("movbe", ""), ("x86-64-v2",)),  # one flag less is a level less
        (V4.replace("avx2 ", ""), ("x86-64-v2",)),  # a level holds those below it
    ],
)
def test_a_level_is_reached_with_all_its_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, reached: tuple[str, ...]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: {V4}\n")
    assert levels(tmp_path / "cpuinfo") == reached


def test_a_system_that_does_not_say_reaches_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert levels(tmp_path / "nothing") == ()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert levels(tmp_path) == ()
