"""Several processes: ``--devices`` and ``--num_nodes`` above 1 start the training stage under torchrun's launcher."""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.run.folder import RunFolder
from tunesmith.texts import msg

STOP_SECONDS = 600
"""After Ctrl-C, how long an update may take to end and be saved before its process is ended."""
WAIT = timedelta(days=7)
"""How long other machines wait for the first one, which checks and encodes alone."""
FOLDER = "tunesmith run folder"


@dataclass(frozen=True)
class Cluster:
    """How many processes there are, and where: ``address`` and ``port`` are the first machine's."""

    devices: int
    nodes: int
    rank: int = 0
    address: str = "localhost"
    port: int = 0

    @property
    def processes(self) -> int:
        """Of the whole run."""
        return self.devices * self.nodes


def cluster(devices: int, nodes: int) -> Cluster:
    """The processes that were asked for.

    Raises:
        TunesmithError: when there are fewer GPUs, or several machines cannot find each other.
    """
    import torch

    available = torch.cuda.device_count()
    if available and devices > available:
        raise TunesmithError(
            msg("{devices} devices were asked for and there are {available}", devices=devices, available=available),
            where="--devices",
        )
    if nodes == 1:
        return Cluster(devices, nodes)
    names = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
    absent = [name for name in names if not os.environ.get(name)]
    if absent:
        raise TunesmithError(
            msg("{nodes} machines need to find each other, and {names} are not set", nodes=nodes, names=tuple(absent)),
            where="--num_nodes",
            remedy=msg(
                "On every machine set MASTER_ADDR and MASTER_PORT (of the first one) and NODE_RANK (0, 1, "
                "…), and work in a folder that all of them share."
            ),
        )
    address, port, rank = (os.environ[name] for name in names)
    if not port.isdigit() or not rank.isdigit() or int(rank) >= nodes:
        raise TunesmithError(
            msg("MASTER_PORT {port} or NODE_RANK {rank} is wrong", port=port, rank=rank),
            where="--num_nodes",
            remedy=msg("Ranks are 0 to {last}.", last=nodes - 1),
        )
    return Cluster(devices, nodes, int(rank), address, int(port))


class Meeting:
    """Where the first machine tells the others which folder to train in; it lasts as long as the training."""

    def __init__(self, machines: Cluster) -> None:
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        # Beside the port that the training processes themselves will meet at.
        address, port, is_first = machines.address, machines.port + 1, machines.rank == 0
        try:
            self.store: Any = TCPStore(address, port, machines.nodes, is_first, timeout=WAIT, wait_for_workers=False)
        except RuntimeError as error:
            raise TunesmithError(
                msg(
                    "the machines cannot meet at port {port} of {address} ({reason})",
                    port=port,
                    address=address,
                    reason=str(error).splitlines()[0],
                ),
                where="--num_nodes",
                remedy=msg("Choose another MASTER_PORT; it and the next one must be free."),
            ) from error

    def announce(self, folder: RunFolder) -> None:
        """Send the folder's path to the other machines."""
        self.store.set(FOLDER, str(folder.path.resolve()))

    def folder(self) -> RunFolder:
        """Wait for the folder's path.

        Raises:
            TunesmithError: when the first machine gave up before.
        """
        try:
            return RunFolder(Path(self.store.get(FOLDER).decode()))
        except RuntimeError as error:
            raise TunesmithError(
                msg("the first machine has ended before training began"),
                remedy=msg("It says why; then start all of them again."),
            ) from error


def train_together(folder: RunFolder, machines: Cluster) -> int:
    """Train a prepared run in several processes; the exit code of the first that failed, else 0.

    Only the first process prints; the output of the others goes into files of the run's folder.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // machines.devices)))
    several = machines.nodes > 1
    quiet = {rank: Std.ALL for rank in range(machines.devices) if rank > 0 or machines.rank > 0}
    config = LaunchConfig(
        min_nodes=machines.nodes,
        max_nodes=machines.nodes,
        nproc_per_node=machines.devices,
        run_id="tunesmith" if several else uuid.uuid4().hex,
        rdzv_backend="static" if several else "c10d",
        rdzv_endpoint=f"{machines.address}:{machines.port}",
        rdzv_configs={"rank": machines.rank, "timeout": WAIT.total_seconds()} if several else {},
        max_restarts=0,
        shutdown_timeout=STOP_SECONDS,
        logs_specs=DefaultLogsSpecs(log_dir=str(folder.path / "processes"), redirects=quiet),
    )
    try:
        elastic_launch(config, sys.executable)("-m", "tunesmith", "train", str(folder.path), "--resume")
    except ChildFailedError as error:
        first = min(error.failures.values(), key=lambda failure: failure.timestamp)
        return abs(first.exitcode) or 1
    except SignalException as error:
        return 128 + int(error.sigval)
    return 0
