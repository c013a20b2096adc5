"""A Spark session, or a clear word on what is missing for one."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.errors import RunError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = "local[*]"
OLDEST_JAVA = 17
_MASTER = r"local(\[.+\])?|local-cluster\[.+\]|spark://.+|yarn|k8s://.+"
_CONNECT_SECONDS = 10
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",  # the command line has a progress bar of its own
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('spark-log4j2.properties')}",
    # Rows come bucket by bucket, and a bucket of many policies is large.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
}


@contextmanager
def spark_session(master: str = LOCAL) -> Iterator[SparkSession]:
    """Open a session on `master` (`local[*]`, `spark://host:7077`, `yarn`, `k8s://…`) and close it.

    Settings of the cluster come from where Spark always takes them: `SPARK_CONF_DIR/spark-defaults.conf`.

    Raises:
        RunError: PySpark or Java is missing, Java is too old, nobody answers at a standalone master's address,
            or no session can be opened.
    """
    require_java()
    _require_answer(master)
    # About pandas, which is not used with Spark here.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise RunError.of(
            "spark-missing",
            "未安装 PySpark",
            "PySpark is not installed",
            help_zh="安装附加组件：pip install 'mianshen[spark]'；或不用 --engine spark",
            help_en="install the extra: pip install 'mianshen[spark]'; or leave --engine spark out",
        ) from None
    # In local mode and on one machine the workers must run this very Python, with its packages.
    if master.startswith("local"):
        os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("mianshen")
    for setting, value in _SETTINGS.items():
        builder = builder.config(setting, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError, OSError) as problem:
        raise _not_opened(master, problem) from None
    except Exception as problem:
        # Py4J has an exception type of its own for what fails inside the Java process.
        if type(problem).__module__.split(".")[0] != "py4j":
            raise
        raise _not_opened(master, problem) from None
    try:
        yield session
    finally:
        session.stop()
        _end_java()


def _end_java() -> None:
    """End the Java process of this session: the next session may be given other settings, which only a new one reads."""
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    if gateway is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def _require_answer(master: str) -> None:
    """Raise RunError if `master` is no address, or nobody listens at `spark://host:port[,host:port]`.

    Spark itself would try for over a minute.
    """
    if re.fullmatch(_MASTER, master) is None:
        # Spark would say so by a trace of its own Java calls.
        raise RunError.of(
            "spark-master",
            f"`{master}` 不是 Spark 的地址",
            f"`{master}` is no address of Spark",
            help_zh="--master 写成 local[*]、spark://host:7077、yarn 或 k8s://https://host:443",
            help_en="write --master as local[*], spark://host:7077, yarn or k8s://https://host:443",
        )
    if not master.startswith("spark://"):
        return
    problem: Exception = ValueError("no host and port")
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            continue
        try:
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
            return
        except OSError as error:
            problem = error
    raise _not_opened(master, problem)


def require_java() -> None:
    """Raise RunError unless a Java of at least version 17 is found."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    found = None if java is None else _java_version(java)
    if found is not None and found >= OLDEST_JAVA:
        return
    told = ("未找到", "none was found") if found is None else (f"找到的是 {found}", f"version {found} was found")
    raise RunError.of(
        "java-missing",
        f"Spark 需要 Java {OLDEST_JAVA} 或更新版本：{told[0]}",
        f"Spark needs Java {OLDEST_JAVA} or newer: {told[1]}",
        help_zh="在 Debian 与 Ubuntu 上：apt-get install openjdk-17-jre-headless；或设置 JAVA_HOME",
        help_en="on Debian and Ubuntu: apt-get install openjdk-17-jre-headless; or set JAVA_HOME",
    )


def _java_version(java: str) -> int | None:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found.group(1)) if found else None


def _not_opened(master: str, problem: Exception) -> RunError:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    # The first line of a Java failure says where it was called; the one with the exception says what it was.
    told = [line for line in lines if "Exception:" in line or "Error:" in line] or lines
    reason = (told[0] if told else type(problem).__name__)[:200]
    return RunError.of(
        "spark-not-opened",
        f"无法在 `{master}` 上启动 Spark：{reason}",
        f"Spark cannot be started on `{master}`: {reason}",
        help_zh="检查 --master 的地址，以及集群是否在运行",
        help_en="check the address given to --master, and that the cluster is running",
    )
