"""A Dask cluster that does the work: its client is imported here and nowhere else, when a cluster is asked for."""

from __future__ import annotations

import logging
import platform
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from ras_sim.errors import InputError, LostWorkersError, Problem
from ras_sim.experiment.executors import Cluster, FutureOf, Packing, as_finished, done, failed
from ras_sim.experiment.origin import program

if TYPE_CHECKING:
    from distributed import Client, Security

T = TypeVar("T")

TLS_FILES = ("ca.pem", "cert.pem", "key.pem")
"""What is in a folder of certificates: who is trusted, who we are, and our key."""

_TIMEOUT_S = 10.0
_FETCHES = 100
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://[^\s/:]*[^\s/]*:\d{1,5}")
_PER_THREAD, _AT_LEAST, _ASK_AGAIN_S = 4, 64, 1.0
"""Tasks in the hands of the scheduler: for each thread of a worker, and in all; how often its workers are counted."""

_LIBRARIES = ("numpy", "scipy", "simpy")
"""Libraries whose version a result can depend on."""


def on_cluster(
    cluster: Cluster, work: Callable[..., T], tasks: Sequence[tuple[Any, ...]]
) -> Generator[T, None, None]:
    """Results as they are finished; closing the generator cancels what is left.

    A task whose worker dies is done again by another one, as often as the scheduler's `allowed-failures` says.

    Raises:
        InputError: see `check`; or a worker has other versions than this process.
        LostWorkersError: the scheduler is gone, or a task took one worker after the other with it.
    """
    n_left = len(tasks)
    with _connected(cluster) as client:
        # Not scattered: what was scattered is lost with its worker, the result of a task is made again.
        packing = Packing(lambda data: client.submit(_Unpacked, data, pure=False))
        here = environment()

        def submit(*task: Any) -> FutureOf:
            try:
                return client.submit(_one_at_a_time, here, work, *packing(task), pure=False)
            except Exception as error:
                if client.status == "running":
                    raise
                return failed(CancelledError(str(error)))  # the scheduler is gone: told after what is finished

        with closing(as_finished(submit, tasks, _Window(client))) as futures:
            for future in futures:
                found = _result(future, cluster, n_left)
                del future  # the cluster forgets the result
                n_left -= 1
                yield found


def check(cluster: Cluster) -> int:
    """Connect once.

    Returns:
        workers that there are now; tasks wait for workers.

    Raises:
        InputError: Dask is not installed, the address is none, a certificate is missing, or no scheduler answers.
    """
    with _connected(cluster) as client:
        return len(_threads(client))


def environment() -> dict[str, str]:
    """What must be the same where the work is done, or the results may differ."""
    libraries = {name: version(name) for name in _LIBRARIES}
    python = ".".join(platform.python_version_tuple()[:2])
    return {"ras_sim": program(), "Python": python, **libraries}


class OtherVersionsError(Exception):
    """A worker has other versions; its text says which."""


class _Unpacked:
    """An argument of many tasks, on a worker."""

    def __init__(self, data: bytes) -> None:
        import pickle

        self.item = pickle.loads(data)
        self._data = data

    def __reduce__(self) -> tuple[type[_Unpacked], tuple[bytes]]:
        return _Unpacked, (self._data,)


_TURN = threading.Lock()


def _one_at_a_time(wanted: dict[str, str], work: Callable[..., T], *items: Any) -> T:
    """Do a task: what a worker is asked to do. Threads of one worker take turns: they share its interpreter anyway."""
    found = environment()
    if found != wanted:
        differing = [f"{name} {found[name]}, want {wanted[name]}" for name in wanted if found[name] != wanted[name]]
        raise OtherVersionsError("; ".join(differing))
    with _TURN:
        return done(work, *(item.item if isinstance(item, _Unpacked) else item for item in items))


class _Window:
    """Tasks that the scheduler may have: enough for every thread, not the whole of a sweep. Workers come and go."""

    def __init__(self, client: Client) -> None:
        self._client, self._size, self._asked_s = client, _AT_LEAST, -_ASK_AGAIN_S

    def __call__(self) -> int:
        if time.monotonic() - self._asked_s >= _ASK_AGAIN_S:
            self._asked_s = time.monotonic()
            with suppress(OSError, ValueError):  # the scheduler is gone: the tasks say so
                self._size = max(_AT_LEAST, _PER_THREAD * sum(_threads(self._client)))
        return self._size


def _threads(client: Client) -> list[int]:
    """Threads of each worker that there is now."""
    return [int(one["nthreads"]) for one in client.scheduler_info(n_workers=-1)["workers"].values()]


@contextmanager
def _connected(cluster: Cluster) -> Iterator[Client]:
    """A client of the cluster.

    Raises: InputError if there cannot be one.
    """
    try:
        from distributed import Client
    except ImportError:
        hint = "pip install 'ras-sim[cluster]'"
        raise _problem("no Dask", "the package distributed", hint) from None
    if not _ADDRESS.fullmatch(cluster.address):
        raise _problem(repr(cluster.address), "PROTOCOL://HOST:PORT, e.g. tcp://scheduler:8786")
    security = _security(cluster)
    with _quiet():
        try:
            client = Client(  # type: ignore[no-untyped-call]
                cluster.address, timeout=_TIMEOUT_S, security=security, set_as_default=False
            )
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            got = f"{cluster.address}, where no scheduler answers ({reason})"
            hint = "is it running, and are protocol, port and certificates the right ones?"
            raise _problem(got, "a Dask scheduler", hint) from None
        with client:
            _check_workers(client, cluster)
            yield client


def _check_workers(client: Client, cluster: Cluster) -> None:
    """Raise InputError if a worker has no ras_sim: it could not even read a task, and would never say so."""
    # A function of Python itself, which every worker can read.
    found: dict[str, bool] = client.run(eval, "__import__('importlib.util').util.find_spec('ras_sim') is not None")
    lacking = [worker for worker, has in found.items() if not has]
    if lacking:
        hint = "install ras-sim on every worker, and on the scheduler"
        raise _problem(f"a worker of {cluster.address} without ras_sim, {lacking[0]}", "ras-sim there", hint)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from saying on the error stream what is raised here as well."""
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    levels = {name: logging.getLogger(name).level for name in known}
    for name in known:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _security(cluster: Cluster) -> Security:
    """Certificates from the folder, if one is given, else from Dask's own configuration.

    Raises: InputError if a file is missing, or if there are none and the address needs some.
    """
    from distributed import Security

    if cluster.tls is None:
        usual = Security()  # type: ignore[no-untyped-call]
        known = usual.get_connection_args("client")  # type: ignore[no-untyped-call]
        # Asked here: a client without certificates would try to close what it could not open, and say so at length.
        if cluster.address.startswith("tls:") and not known.get("ssl_context"):
            where = "--cluster-tls DIR, or certificates in Dask's own configuration"
            raise _problem(f"{cluster.address} and no certificates", where)
        return usual

    files = [cluster.tls / name for name in TLS_FILES]
    for path in files:
        if not path.is_file():
            raise InputError(
                [Problem(str(path), None, None, "--cluster-tls", "nothing there", " ".join(TLS_FILES))]
            )
    ca, cert, key = map(str, files)
    return Security(  # type: ignore[no-untyped-call]
        tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True
    )


def _result(future: Any, cluster: Cluster, n_left: int) -> Any:
    """What a task returned; what went wrong as an error for the user."""
    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        return _fetched(future)
    except (CancelledError, CommClosedError) as error:
        raise LostWorkersError(f"{cluster.address}: the scheduler is gone", n_left) from error
    except OtherVersionsError as error:
        raise _problem(f"a worker of {cluster.address} with {error}", "the same on every worker") from None
    except KilledWorker as error:
        reason = f"{cluster.address}: a task took {error.allowed_failures + 1} workers with it, one after the other"
        raise LostWorkersError(f"{reason}: out of memory?", n_left) from error


def _fetched(future: Any) -> Any:
    """The result of a future; one that was lost with its worker on the way is made again, and waited for."""
    from distributed.client import AllExit

    for _ in range(_FETCHES - 1):
        try:
            return future.result()
        except AllExit:
            time.sleep(0.1)  # the scheduler has noticed already, or will soon
    return future.result()


def _problem(got: str, wanted: str, hint: str = "") -> InputError:
    return InputError([Problem("", None, None, "--cluster", got, wanted, hint)])
