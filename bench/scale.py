"""How much is measured: enough to tell something, or just enough to see that it works."""

from dataclasses import dataclass, replace

from bench.peers import Peer

MIB = 1024**2
GB = 10**9


@dataclass(frozen=True, slots=True)
class Scale:
    """The amounts of every bench."""

    rounds: int = 5
    real_store_rounds: int = 3
    peers_again: int = 99
    """How many of them are run again after the first bench, over HTTP."""
    upload_bytes: int = GB
    recording_seconds: float = 120.0
    recording_bits_per_second: int = 20_000_000
    link_bits_per_second: int = 50_000_000
    link_rounds: int = 2
    crowds: tuple[int, ...] = (100, 1_000, 5_000)
    crowd_seconds: float = 60.0
    crowd_bytes_per_second: int = 32 * 1024
    """Of each recording: a quiet camera, or a browser tab."""
    looked_at_bytes_per_second: int = 8 * 1024
    """Of each while somebody looks: what the recorders and the sink need is not the page's."""
    restarts: tuple[int, ...] = (1_000, 10_000)
    restart_sample: int = 50
    few_parts: int = 20
    many_parts: int = 120
    scans: int = 5
    planned_parts: tuple[int, ...] = (1, 100, 1_000, 10_000)
    plan_seconds: float = 1.0
    scanned_files: tuple[int, ...] = (10_000, 100_000)
    curve_recording_bytes: int = 64 * MIB
    curve_recordings: tuple[int, ...] = (4, 16, 64, 200)
    curve_sizes: tuple[int, ...] = (64 * MIB, 256 * MIB, 1024 * MIB, 8192 * MIB)


FULL = Scale()
QUICK = Scale(
    rounds=1,
    real_store_rounds=1,
    peers_again=1,
    upload_bytes=64 * MIB,
    recording_seconds=4.0,
    recording_bits_per_second=40_000_000,
    link_bits_per_second=100_000_000,
    link_rounds=1,
    crowds=(20,),
    crowd_seconds=6.0,
    crowd_bytes_per_second=512 * 1024,
    looked_at_bytes_per_second=512 * 1024,
    restarts=(100,),
    restart_sample=10,
    few_parts=4,
    many_parts=12,
    scans=2,
    planned_parts=(1, 100),
    plan_seconds=0.2,
    scanned_files=(1_000,),
    curve_recording_bytes=8 * MIB,
    curve_recordings=(8,),
    curve_sizes=(16 * MIB,),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every bench is given."""

    scale: Scale
    peers: tuple[Peer, ...]
    """Those that are installed."""
    folder: str
    """A directory of its own; it is removed afterwards."""

    def again(self) -> "Bench":
        """With the peers that are run more than once."""
        return replace(self, peers=self.peers[: self.scale.peers_again])

    def in_folder(self, folder: str) -> "Bench":
        return replace(self, folder=folder)
