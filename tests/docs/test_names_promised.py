"""Names that users were promised, and have built on: they may not be lost or renamed."""

import pytest

from cefmp4 import errors
from cefmp4.core.model import Status
from cefmp4.events import WatcherChangeType
from docs.known import endpoints
from docs.texts import HOUSE
from tools.reference.metrics import described
from tools.reference.settings import setting_groups

SETTINGS = {
    "APP_ENV": "development",
    "LOG_LEVEL": "INFO",
    "PROM_PORT": "8000",
    "MAX_CONCURRENT_STREAMS": "5",
    "WATCH_DIR": "./local_watch_dir",
    "CHUNK_SIZE_BYTES": "10485760",
    "STREAM_TIMEOUT_SECONDS": "30",
    "S3_ENDPOINT_URL": "",
    "S3_ACCESS_KEY_ID": "",
    "S3_SECRET_ACCESS_KEY": "",
    "S3_BUCKET_NAME": "",
    "S3_REGION_NAME": "",
    "REDIS_URL": "redis://localhost:6379/0",
    "FFPROBE_PATH": "",
}
METRICS = {
    "video_chunks_uploaded_total": {"stream_id"},
    "video_bytes_uploaded_total": {"stream_id"},
    "video_stream_duration_seconds": {"stream_id"},
    "video_processing_time_seconds": {"stream_id"},
    "video_failed_operations_total": {"stream_id", "operation_type"},
    "active_streams_gauge": set(),
    "streams_completed_total": set(),
    "streams_failed_total": set(),
}
STATUSES = {
    "active", "pending_completion", "completed", "completed_with_meta", "failed",
    "failed_finalization",
}  # fmt: skip
ERRORS = (
    "StreamInitializationError", "ChunkProcessingError", "S3OperationError",
    "RedisOperationError",
)  # fmt: skip
CHANGES = {"CREATE", "WRITE", "DELETE", "IDLE"}
PHASES = (
    "01_project_setup_core_config",
    "02_file_watching_mechanism",
    "03_stream_state_s3_init",
    "04_chunk_processing_s3_upload",
    "05_stream_finalization_s3_complete",
    "06_metadata_generation_ffprobe_json",
    "07_checkpoint_recovery_resume",
    "08_error_handling_shutdown",
    "09_observability_logging_metrics",
    "10_finalizing_docker_ci_docs_testing",
)
DIAGRAMS = (
    "architecture",
    "stream_processing_flow",
    "file_watcher_flow",
    "stream_initialization_sequence",
    "chunk_processing_sequence",
    "stream_finalization_sequence",
    "metadata_generation_sequence",
    "checkpoint_recovery_sequence",
    "error_handling_graceful_shutdown",
    "observability_setup",
    "ci_cd_pipeline",
    "deployment_overview",
    "class_interactions",
    "design_decisions",
)


def test_promised_settings_are_there() -> None:
    """Users were promised these names and defaults; nobody may rename them."""
    defaults = {
        setting.name: setting.default
        for group in setting_groups().values()
        for setting in group
    }
    assert SETTINGS.items() <= defaults.items()


def test_promised_metrics_are_there() -> None:
    """Users were promised these names and labels; dashboards of theirs ask for them."""
    there = {metric.name: set(metric.labels) for metric in described()}
    assert METRICS.items() <= there.items()


def test_promised_words_are_there() -> None:
    """Statuses, errors, what happens to a file, and where the metrics are."""
    assert {status.value for status in Status} >= STATUSES
    assert all(issubclass(getattr(errors, name), Exception) for name in ERRORS)
    assert {change.name for change in WatcherChangeType} == CHANGES
    assert ("GET", "/metrics") in endpoints()


@pytest.mark.parametrize("name", PHASES)
def test_promised_documents_are_there(name: str) -> None:
    """One for each phase, under the name that is linked to."""
    assert (HOUSE / "docs" / "phases" / f"{name}.md").is_file()


@pytest.mark.parametrize("name", DIAGRAMS)
def test_promised_diagrams_are_there(name: str) -> None:
    """Under the name that is linked to."""
    assert (HOUSE / "docs" / "diagrams" / f"{name}.mmd").is_file()
