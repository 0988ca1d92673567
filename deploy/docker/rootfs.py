"""Install the locked packages and the wheel, and copy what runs them into a root file system of its own.

``python3 rootfs.py LOCK ROOTFS`` in a build stage whose base has Python, pip and Debian's ``dpkg``; the environment is
``/opt/mfn``, the wheels lie in ``wheels``. Shared libraries are those that the loader names. Of each Debian package
that gave a file there are its entry in ``/var/lib/dpkg/status.d``, where scanners look, and its copyright.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = Path("/opt/mfn")
SELDOM = ("llvmlite", "numba", "pygments", "scipy")  # loaded by few requests: their bytecode, 27 MB, is left out
UNUSED = {"test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "__pycache__"}
UNUSED |= {"site-packages", "dist-packages"}  # of the base's Python; those of the environment are kept
USERS = "root:x:0:0:root:/:/bin/false\nmfn:x:10001:10001:mfn:/nonexistent:/bin/false\n"
GROUPS = "root:x:0:\nmfn:x:10001:\n"
OF_THE_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt",)
LOADED_BY_NAME = ("libgcc_s.so.1",)  # by the C library, where a thread ends


def install(lock: str) -> None:
    """Install into an environment, every package with the hash that is written down."""
    interpreter = Path(sys.executable).resolve()  # and no link to it, which would not be copied
    subprocess.run([str(interpreter), "-m", "venv", "--without-pip", str(ENVIRONMENT)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(ENVIRONMENT / "bin/python"), "install", "--no-cache-dir"]
    pip += ["--no-compile", "--disable-pip-version-check", "--root-user-action", "ignore"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", lock], check=True)
    wheel = ["--no-deps", "--no-index", "--find-links", "wheels", "mycelium-fractal-net"]
    subprocess.run([*pip, *wheel], check=True)


def slim() -> None:
    """Remove tests, headers, scripts and symbols of packages; what auditwheel has patched stays as it is."""
    packages = next(ENVIRONMENT.glob("lib/python*/site-packages"))
    for name in ("tests", "__pycache__"):
        for path in [*packages.rglob(name)]:
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(ENVIRONMENT / "include")
    for path in (ENVIRONMENT / "bin").iterdir():  # scripts of others, and of shells that are not here
        if path.name not in {"mfn", "python", "python3"} and not path.is_symlink():
            path.unlink()
    for path in packages.rglob("*.so"):
        if not any(part.endswith(".libs") for part in path.parts) and "mycelium_fractal_net" not in path.parts:
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)
    for pattern in ("*.pyi", "*.pxd", "*.a", "*.h"):
        for path in packages.rglob(pattern):
            if "mycelium_fractal_net" not in path.parts:
                path.unlink()


def programs(*places: Path) -> Iterator[Path]:
    """Yield the files that the loader reads: the interpreter and shared objects."""
    for place in places:
        if place.is_file():
            yield place
        else:
            yield from (path for path in place.rglob("*.so*") if path.is_file() and not path.is_symlink())


def needed(*places: Path) -> set[Path]:
    """Return the libraries of the system that are needed, the loader among them, as the loader writes their paths."""
    paths = set()
    for program in programs(*places):
        done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            words = [word for word in line.split() if word.startswith("/")]
            paths.update(Path(word) for word in words[-1:] if not word.startswith(str(ENVIRONMENT)))
    multiarch = sysconfig.get_config_var("MULTIARCH")
    return paths | {Path("/lib") / multiarch / name for name in LOADED_BY_NAME}


def copy_file(path: Path, root: Path) -> None:
    """Copy a file to its real place, and the links that lead there as links."""
    place = root / str(path.parent.resolve()).lstrip("/") / path.name
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target = path.parent / path.readlink()
        if not place.is_symlink():
            place.symlink_to(path.readlink())
        copy_file(target, root)
    elif not place.exists():
        shutil.copy2(path, place)


def owner(path: Path) -> str | None:
    """Return the Debian package that a file belongs to, or None."""
    for name in (str(path.parent.resolve() / path.name), str(path)):
        for spelling in (name, name.removeprefix("/usr")):
            done = subprocess.run(["dpkg", "-S", spelling], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.partition(":")[0]
    return None


def describe(packages: set[str], root: Path) -> None:
    """Write down the Debian packages whose files are here, with their licences."""
    status = root / "var/lib/dpkg/status.d"
    status.mkdir(parents=True, exist_ok=True)
    for name in sorted(packages):
        done = subprocess.run(["dpkg", "-s", name], capture_output=True, text=True, check=True)
        (status / name).write_text(done.stdout)
        licence = Path("/usr/share/doc") / name / "copyright"
        if licence.exists():
            place = root / str(licence).lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(licence, place)


def main() -> None:
    """Make the root file system."""
    lock, root = sys.argv[1], Path(sys.argv[2])
    install(lock)
    slim()
    interpreter, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    for name in ("bin", "sbin", "lib", "lib64"):  # as in the base, where /lib is /usr/lib
        if Path("/", name).is_symlink():
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
    files = {interpreter, *needed(interpreter, library, ENVIRONMENT), *map(Path, OF_THE_SYSTEM)}
    for path in sorted(path for path in files if path.exists()):
        copy_file(path, root)
    shutil.copytree(library, root / str(library).lstrip("/"), ignore=shutil.ignore_patterns(*UNUSED), symlinks=True)
    shutil.copytree(ENVIRONMENT, root / str(ENVIRONMENT).lstrip("/"), symlinks=True)
    base_library = root / str(library).lstrip("/")
    compile_ = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    places = [str(base_library), str(root / "opt")]
    subprocess.run([*compile_, "-s", str(root), "-p", "/", *places], check=False)  # some packages hold templates
    for name in SELDOM:
        for path in [*(root / "opt").glob(f"mfn/lib/python*/site-packages/{name}/**/__pycache__")]:
            shutil.rmtree(path)
    owners = {owner(path) for path in files} | {owner(library / "os.py")}
    describe({name for name in owners if name is not None}, root)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    outbox = root / "var/lib/mfn"  # a volume that is mounted here first takes its owner
    outbox.mkdir()
    os.chown(outbox, 10001, 10001)
    for name in ("dev", "proc", "sys", "tmp"):  # what a runtime mounts
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)


if __name__ == "__main__":
    main()
