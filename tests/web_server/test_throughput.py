"""What landed in the store, second by second."""

from cefmp4.metrics import Metrics
from cefmp4.web.throughput import POINTS, Throughput


def test_each_step_tells_the_bytes_that_landed_in_it() -> None:
    """Whatever stream they are of; a step that came late is told by how long it was."""
    metrics = Metrics()
    throughput = Throughput(lambda: metrics.work.sent_bytes)
    start = throughput._counted_at
    assert throughput.bytes_per_second == 0.0
    metrics.work.part_landed(100, 0.1, 5.0)
    metrics.work.part_landed(50, 0.1, 5.0)
    throughput.count(1_000.0, start + 1.0)
    throughput.count(1_001.0, start + 2.0)
    metrics.work.part_landed(100, 0.1, 5.0)
    throughput.count(1_003.0, start + 4.0)
    assert list(throughput.points) == [(1_000.0, 150.0), (1_001.0, 0.0), (1_003.0, 50.0)]
    assert throughput.bytes_per_second == 50.0


def test_ten_minutes_are_kept() -> None:
    """The oldest second goes first."""
    throughput = Throughput(lambda: 0)
    for second in range(POINTS + 5):
        throughput.count(float(second), float(second))
    assert (len(throughput.points), throughput.points[0][0]) == (POINTS, 5.0)
