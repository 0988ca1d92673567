"""Where the rows are computed: threads of this process, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from itertools import islice
from typing import Any

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net.errors import ConfigurationError, MissingExtraError
from mycelium_fractal_net.fields import SimulationConfig

__all__ = ["run_dask", "run_local"]

Numbers = tuple[int, dict[str, Any]]
Tasks = Iterable[tuple[int, SimulationConfig]]
Work = Callable[[SimulationConfig], dict[str, Any]]
CONNECT_TIMEOUT = "15s"


def run_local(tasks: Tasks, work: Work, threads: int | None) -> Generator[Numbers, None, None]:
    """Compute rows in threads, and yield (sim_id, numbers) as they are done.

    Parameters
    ----------
    tasks : iterable of (int, SimulationConfig)
        Number and configuration of each row.
    work : callable
        What computes the numbers of a configuration.
    threads : int, optional
        All cores by default.
    """
    workers = available_cores() if threads is None else threads
    source = iter(tasks)
    running: dict[Future[dict[str, Any]], int] = {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="mfn-dataset")
    try:
        while True:
            for sim_id, config in islice(source, 2 * workers - len(running)):
                running[pool.submit(work, config)] = sim_id
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def run_dask(tasks: Tasks, work: Work, scheduler: str | None, workers: int | None) -> Generator[Numbers, None, None]:
    """Compute rows on a Dask cluster, and yield (sim_id, numbers) as they are done.

    Parameters
    ----------
    tasks : iterable of (int, SimulationConfig)
        Number and configuration of each row.
    work : callable
        What computes the numbers of a configuration; it is pickled.
    scheduler : str, optional
        Address such as ``tcp://host:8786``; a cluster of local processes by default.
    workers : int, optional
        Processes of that local cluster.

    Raises
    ------
    ConfigurationError
        When the scheduler cannot be reached.
    """
    try:
        from distributed import Client, LocalCluster, as_completed
    except ImportError:
        raise MissingExtraError.for_extra("datasets", "Dask distributed") from None

    with ExitStack() as stack:
        if scheduler is None:
            cluster = LocalCluster(n_workers=workers or available_cores(), threads_per_worker=1, dashboard_address=None)
            address: Any = stack.enter_context(cluster)
        else:
            address = scheduler
        try:
            client = stack.enter_context(Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False))
        except (OSError, ValueError, TimeoutError) as error:
            raise ConfigurationError(f"no Dask scheduler answers at {scheduler!r}: {error}") from None
        source = iter(tasks)
        ahead = 4 * max(1, sum(client.nthreads().values()))
        ids: dict[str, int] = {}
        finished = as_completed(loop=client.loop)
        for sim_id, config in islice(source, ahead):
            future = client.submit(work, config, pure=False)
            ids[future.key] = sim_id
            finished.add(future)
        for future in finished:
            yield ids.pop(future.key), future.result()
            future.release()
            for sim_id, config in islice(source, 1):
                following = client.submit(work, config, pure=False)
                ids[following.key] = sim_id
                finished.add(following)
