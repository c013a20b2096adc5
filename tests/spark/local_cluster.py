"""A real standalone cluster on this machine: one master and two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

_PACKAGE = "org.apache.spark.deploy"
_STARTED = 120  # seconds that a master or a worker may take until it is there


@dataclass(frozen=True)
class Cluster:
    """`url` is what `--master` takes; `settings` the folder with its spark-defaults.conf."""

    url: str
    settings: Path
    workers: tuple[subprocess.Popen[bytes], ...]

    def kill_a_worker(self) -> None:
        """Kill the first worker with all it has started, as when its machine loses power."""
        worker = psutil.Process(self.workers[0].pid)
        for process in [worker, *worker.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)


@contextmanager
def local_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster on the loopback address, and stop it."""
    import pyspark

    program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    settings = folder / "conf"
    settings.mkdir()
    (settings / "spark-defaults.conf").write_text(
        "spark.executor.memory 512m\nspark.executor.cores 1\nspark.driver.host 127.0.0.1\nspark.driver.memory 512m\n"
    )
    environment = os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(settings),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": sys.executable,
    }
    port, page = _free_port(), _free_port()
    log = (folder / "cluster.log").open("wb")

    def start(kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [program, f"{_PACKAGE}.{kind}", "--host", "127.0.0.1", *arguments]
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)

    master = start("master.Master", "--port", str(port), "--webui-port", str(page))
    started = [master]
    try:
        _until(lambda: _workers_alive(page) == 0, "the master", folder)
        url = f"spark://127.0.0.1:{port}"
        workers = tuple(
            start("worker.Worker", "--cores", "1", "--memory", "600m", "--webui-port", "0", url) for _ in range(2)
        )
        started += workers
        _until(lambda: _workers_alive(page) == len(workers), "the workers", folder)
        yield Cluster(url, settings, workers)
    finally:
        for process in started:
            for child in _children(process.pid):
                child.kill()
            process.kill()
            process.wait()
        log.close()


def _children(process: int) -> list[psutil.Process]:
    try:
        return psutil.Process(process).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _workers_alive(page: int) -> int | None:
    """Return how many workers the master knows; None while it does not answer."""
    try:
        with urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
            alive: int = json.load(answer)["aliveworkers"]
            return alive
    except (OSError, ValueError):
        return None


def _until(condition: Callable[[], bool], what: str, folder: Path) -> None:
    deadline = time.monotonic() + _STARTED
    while not condition():
        if time.monotonic() > deadline:
            told = (folder / "cluster.log").read_text(errors="replace")[-2_000:]
            raise AssertionError(f"{what} did not start: {told}")
        time.sleep(0.1)
