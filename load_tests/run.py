"""Run one scenario against a server, by default one of its own: ``python -m load_tests.run --scenario spike``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.service.helpers import KEY, running

HERE = Path(__file__).parent
MANY = '{"simulate": 1000000, "nernst": 1000000, "validate": 1000000, "health": 1000000}'


def main() -> int:
    """Return locust's exit code: not 0 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="sustained", choices=("sustained", "stress", "spike", "streams"))
    parser.add_argument("--host", help="a server that runs already; by default one is started and stopped")
    parser.add_argument("--users", help="users at the peak; each scenario has its own default")
    parser.add_argument("--run-time", help="length, like 90s or 5m")
    parser.add_argument("--until-asked", action="store_true", help="end as soon as every endpoint has answered once")
    parser.add_argument("--report", type=Path, default=HERE / "report", help="directory of the HTML page and tables")
    options = parser.parse_args()
    options.report.mkdir(parents=True, exist_ok=True)
    if options.host:
        return locust(options, options.host)
    with running(options.report, RATE_LIMITS=MANY, COST_LIMIT=str(10**15)) as server:
        code = locust(options, server.url, MFN_KEY=KEY)
        server.terminate()
        ended = server.process.wait(60)
    server.log.replace(options.report / f"{options.scenario}.log")
    return code or ended


def locust(options: argparse.Namespace, host: str, **environment: str) -> int:
    """Run locust without its web page."""
    stem = str(options.report / options.scenario)
    command = [sys.executable, "-m", "locust", "--locustfile", str(HERE / "locustfile.py"), "--headless"]
    command += ["--host", host, "--html", f"{stem}.html", "--csv", stem, "--only-summary", "--stop-timeout", "30"]
    command += ["--exit-code-on-error", "1", "--loglevel", "INFO"]
    for name, value in (("--users", options.users), ("--run-time", options.run_time)):
        command += [name, value] if value else []
    until = {"MFN_LOAD_UNTIL_ASKED": "yes"} if options.until_asked else {}
    where = {"MFN_LOAD": options.scenario, "PYTHONPATH": str(HERE.parent), **until}
    return subprocess.run(command, env={**os.environ, **where, **environment}, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
