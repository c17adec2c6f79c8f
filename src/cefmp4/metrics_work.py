"""What is counted of the work as a whole: parts, proofs, errors, scans.

Every label set is bounded (`metrics_labels.py`), and what can be listed beforehand is there
from the start, at 0, so that the first one that happens is seen as a rise.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cefmp4.metrics_labels import code_label, operation_label, state_code_label

PART_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
STORED_BUCKETS = (1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800, 7200)
SCAN_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)
CHANGED_ON_DISK, REFUSED, UPLOAD_LOST = "changed_on_disk", "refused", "upload_lost"
RESENT_REASONS = (CHANGED_ON_DISK, REFUSED, UPLOAD_LOST)


class Work:
    """One for the daemon. Durations in seconds, times in seconds since the epoch."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._of_sending(registry)
        self._of_trouble(registry)
        self._of_watching(registry)

    def _of_sending(self, r: CollectorRegistry) -> None:
        self.part_upload = Histogram(
            "cefmp4_part_upload_seconds",
            "Time from the first look at a part to its record in the state server, in seconds;"
            " waiting for a slot is not counted.",
            buckets=PART_BUCKETS,
            registry=r,
        )
        self.sent_bytes = 0
        """All that has landed, for whoever draws it over time."""
        self.bytes_uploaded = Counter(
            "cefmp4_bytes_uploaded_total",
            "Bytes in the parts and objects that the store has confirmed, over all recordings.",
            registry=r,
        )
        self.close_to_stored = Histogram(
            "cefmp4_close_to_stored_seconds",
            "Time from the last write to a recording to its verified object, in seconds.",
            buckets=STORED_BUCKETS,
            registry=r,
        )
        self.parts_resent = Counter(
            "cefmp4_parts_resent_total",
            "Parts the store had that were sent again, by reason: changed_on_disk (the recorder"
            " wrote there again), refused (the store would not complete with them), upload_lost"
            " (the store has forgotten the upload).",
            ["reason"],
            registry=r,
        )
        for reason in RESENT_REASONS:
            self.parts_resent.labels(reason)
        self.mismatches = Counter(
            "cefmp4_compare_mismatches_total",
            "Parts in the store that differed from the closed recording on the disk. Recorders"
            " that write their header at the end make one or two a recording.",
            registry=r,
        )
        self.last_progress = Gauge(
            "cefmp4_last_progress_timestamp_seconds",
            "When a part or an object last landed in the store, in seconds since the epoch;"
            " 0 when none has since the start of the daemon.",
            registry=r,
        )

    def part_landed(self, size_bytes: int, seconds: float, at: float) -> None:
        """A part, or a whole object, is in the store; it took so long."""
        self.sent_bytes += size_bytes
        self.bytes_uploaded.inc(size_bytes)
        self.part_upload.observe(seconds)
        self.last_progress.set(at)

    def _of_trouble(self, r: CollectorRegistry) -> None:
        self._store_errors = Counter(
            "cefmp4_store_errors_total",
            "Requests the store did not carry out, by S3 operation and error code; 4xx or 5xx"
            " is an answer without a code, other one that is not known.",
            ["operation", "code"],
            registry=r,
        )
        self._state_errors = Counter(
            "cefmp4_state_errors_total",
            "Questions the state server (Redis or Valkey) did not answer, by operation and by"
            " what the client library calls the error; other is one that is not known.",
            ["operation", "code"],
            registry=r,
        )
        self.retries = Counter(
            "cefmp4_retries_total",
            "Attempts to go on with a stream after a failure of it.",
            registry=r,
        )
        self.ambiguous = Counter(
            "cefmp4_ambiguous_completes_total",
            "CompleteMultipartUpload or PutObject without a clear answer: the store was asked"
            " afterwards what became of it.",
            registry=r,
        )
        self.persistence_weak = Gauge(
            "cefmp4_state_persistence_weak",
            "1 when the state server may forget what it was told (no persistence, or it may"
            " evict keys), else 0.",
            registry=r,
        )

    def _of_watching(self, r: CollectorRegistry) -> None:
        self.overflows = Counter(
            "cefmp4_watcher_overflows_total",
            "How often the kernel dropped notifications of files (inotify queue overflow);"
            " a scan made up for each.",
            registry=r,
        )
        self.scan = Histogram(
            "cefmp4_scan_seconds",
            "Time a whole scan of the watched directory took, in seconds.",
            buckets=SCAN_BUCKETS,
            registry=r,
        )

    def store_failed(self, operation: str, code: str) -> None:
        """The store did not do what it was asked."""
        self._store_errors.labels(operation_label(operation), code_label(code)).inc()

    def state_failed(self, operation: str, code: str) -> None:
        """`operation` is one of the names the state adapter has for its questions."""
        self._state_errors.labels(operation, state_code_label(code)).inc()
