"""Build the kernels ahead: one shared library for each level of processors, from the Python source by Numba's lowering.

    python -m native.build [--level x86-64-v3]... [--kinetics mycelium]...

Numba compiles what `native/calls.py` calls. LLVM's code of each kernel that Python has called is taken before a
machine's is made of it; each level gets its own machine code of the same instructions, so that all round alike. What
has been compiled of the same sources is kept in `.cache/kernels`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net._compiled.native import DIRECTORY, source_stamp
from native.calls import Group, groups

_PARTS = Path(__file__).parent
_RUNTIME = _PARTS / "runtime.c"
_KEPT = _PARTS.parent / ".cache" / "kernels"
_FLAGS = ("-shared", "-fPIC", "-O2", "-s", "-fvisibility=hidden", "-Wl,--gc-sections", "-Wl,-z,defs")
_WRAPPED = tuple(f"-Wl,--wrap={name}" for name in ("exp", "log", "pow", "hypot"))  # see runtime.c
NEWEST_GLIBC = 17  # 2.17, of hatch_build.py's manylinux_2_17
_ORIGIN = "x86-64-v3"  # whose vectors, of four doubles, the other levels take in two steps


class Target(NamedTuple):
    """A kind of processors to make machine code for."""

    triple: str
    processor: str
    compiler: str


TARGETS = {
    **{
        level: Target("x86_64-unknown-linux-gnu", level, os.environ.get("CC", "cc"))
        for level in ("x86-64-v2", "x86-64-v3", "x86-64-v4")
    },
    "aarch64": Target("aarch64-unknown-linux-gnu", "generic", "aarch64-linux-gnu-gcc"),
}


class Part(NamedTuple):
    """What one process has compiled: LLVM's code, and the rows of the table."""

    bitcode: bytes
    rows: list[dict[str, Any]]


def compile_part(name: str, call: Callable[[], object], prefix: str = "") -> Part:
    """Make the call in this process, and return the kernels of a prefix that it has used."""
    from native.recording import record

    with record(prefix) as used:
        call()
    return _link(name, used)


def kept_part(group: Group) -> Part:
    """Return a group's part from the directory of this tree's parts, or compile it and keep it there."""
    rooms = [_PARTS, *(DIRECTORY.parents[1] / name for name in ("features", "federated", "fields", "fractals"))]
    sources = b"".join(path.read_bytes() for room in rooms for path in sorted(room.rglob("*.py")))
    stamp = hashlib.sha256(f"{source_stamp()} {version('numba')} {sys.version}".encode() + sources).hexdigest()[:20]
    path = _KEPT / f"{group}-{stamp}.part"
    if not path.is_file():
        part = compile_part(re.sub(r"\W", "_", str(group)), group.call, group.prefix)
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=_KEPT, delete=False) as file:
            file.write(json.dumps(part.rows).encode() + b"\n" + part.bitcode)
        Path(file.name).replace(path)
    rows, _, bitcode = path.read_bytes().partition(b"\n")
    return Part(bitcode, json.loads(rows))


def _link(name: str, used: dict[tuple[str, Any], Any]) -> Part:
    from llvmlite import binding, ir

    from native.recording import module_of
    from native.shims import add_shim, kind_of

    text = ir.Module(name)
    rows: list[dict[str, Any]] = []
    for (kernel, _), compiled in used.items():
        symbol = f"mfn_{name}_{len(rows)}"
        add_shim(text, symbol, compiled)
        signature = compiled.signature
        rows.append(
            {
                "kernel": kernel,
                "symbol": symbol,
                "arguments": [kind_of(kind) for kind in signature.args],
                "returns": kind_of(signature.return_type),
            }
        )
    module = binding.parse_assembly(str(text))
    for compiled in used.values():
        module.link_in(module_of(compiled.library), preserve=True)
    _keep_only(module, {row["symbol"] for row in rows})
    return Part(module.as_bitcode(), rows)


def _keep_only(module: Any, names: set[str]) -> None:
    """Drop every function and constant that the named ones do not reach."""
    from llvmlite import binding

    for item in (*module.functions, *module.global_variables):
        if not item.is_declaration and item.name not in names:
            item.linkage = binding.Linkage.internal
    passes = binding.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    options = binding.create_pipeline_tuning_options()
    passes.run(module, binding.create_pass_builder(_machine(TARGETS[_ORIGIN]), options))


def _machine(target: Target) -> Any:
    from llvmlite import binding

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    return binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.processor, opt=3, reloc="pic", codemodel="default"
    )


def write_library(name: str, parts: Sequence[Part], directory: Path) -> Path:
    """Make the library of one level, and return its path."""
    from llvmlite import binding

    target = TARGETS[name]
    machine = _machine(target)
    table = json.dumps({"stamp": source_stamp(), "kernels": [row for part in parts for row in part.rows]})
    path = directory / f"kernels-{name}.so"
    with tempfile.TemporaryDirectory() as scratch:
        objects = []
        for number, part in enumerate(parts):
            module = binding.parse_bitcode(part.bitcode)
            module.triple, module.data_layout = target.triple, str(machine.target_data)
            objects.append(Path(scratch) / f"part{number}.o")
            objects[-1].write_bytes(machine.emit_object(module))
        source = Path(scratch) / "table.c"
        source.write_text(f'__attribute__((visibility("default"))) const char mfn_table[] = {json.dumps(table)};\n')
        level = [f'-DLEVEL="{target.processor}"'] if target.triple.startswith("x86_64") else []
        command: list[str | Path] = [
            target.compiler,
            *_FLAGS,
            *_WRAPPED,
            *level,
            *objects,
            source,
            _RUNTIME,
            "-lm",
            "-o",
            path,
        ]
        subprocess.run(command, check=True)  # noqa: S603 # the system's compiler, of our own files
    _check_age(path)
    return path


def _check_age(path: Path) -> None:
    """Refuse a library that asks for more of the C library than the wheel's name promises, as auditwheel does."""
    listing = subprocess.run(["readelf", "-W", "--dyn-syms", path], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607
    newer = {name for name, version in re.findall(r"(\w+)@GLIBC_2\.(\d+)", listing) if int(version) > NEWEST_GLIBC}
    if newer:
        raise RuntimeError(
            f"{path.name} uses {sorted(newer)} of a C library above 2.{NEWEST_GLIBC}; wrap them in runtime.c"
        )


def main() -> None:
    """Build every level, or those that are named; for every kinetics, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=TARGETS, action="append")
    parser.add_argument("--kinetics", action="append", help="others are compiled just in time")
    arguments = parser.parse_args()
    os.environ |= {"NUMBA_CPU_NAME": _ORIGIN, "NUMBA_CPU_FEATURES": ""}
    DIRECTORY.mkdir(exist_ok=True)
    for old in DIRECTORY.glob("kernels-*.so"):
        old.unlink()
    with ProcessPoolExecutor(available_cores(), get_context("spawn"), max_tasks_per_child=1) as pool:
        parts = list(pool.map(kept_part, groups(arguments.kinetics or ())))
    for name in arguments.level or TARGETS:
        path = write_library(name, parts, DIRECTORY)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {sum(len(part.rows) for part in parts)} kernels")


if __name__ == "__main__":
    main()
