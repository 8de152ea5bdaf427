"""The names that the shell takes from inside Faust and aiokafka; a worker refuses to start where one is missing."""

from importlib import import_module
from importlib.metadata import version

FAUST = "0.15.3"
AIOKAFKA = "0.14.0"

_NAMES = (
    (
        "faust.transport.drivers.aiokafka",
        "Consumer",
        ("_new_consumer_thread", "_getmany", "_to_message", "_add_gap", "_new_offset"),
    ),
    ("faust.transport.drivers.aiokafka", "Consumer", ("_wait_next_records", "_get_active_partitions")),
    ("faust.transport.drivers.aiokafka", "Consumer", ("on_buffer_full", "perform_seek", "resume_partitions", "pause_partitions")),
    ("faust.transport.drivers.aiokafka", "Consumer", ("resume_flow", "stop_flow", "on_partitions_revoked", "commit", "highwaters")),
    ("faust.transport.drivers.aiokafka", "Consumer", ("seek_wait", "flow_active", "assignment")),
    ("faust.transport.drivers.aiokafka", "IllegalStateError", ("with_traceback",)),
    ("faust.transport.drivers.aiokafka", "AIOKafkaConsumerThread", ("_create_worker_consumer", "on_start")),
    ("faust.transport.drivers.aiokafka", "Transport", ("Consumer",)),
    ("faust.transport.drivers.aiokafka", "Producer", ("_ensure_producer",)),
    ("aiokafka", "AIOKafkaProducer", ("create_batch", "send_batch", "partitions_for")),
    ("faust.tables.table", "Table", ("apply_changelog_batch", "on_recovery_completed", "changelog_topic_name", "on_start", "add_future")),
    ("faust.tables.recovery", "Recovery", ("active_remaining_total",)),
    ("aiokafka.consumer.group_coordinator", "GroupCoordinator", ("_do_heartbeat", "_on_join_complete")),
    ("faust.streams", "Stream", ("noack", "events")),
)


def missing_names() -> list[str]:
    """Return what is not as expected: other versions, classes or attributes that are gone."""
    wrong = [
        f"{package} {version(package)}, written against {expected}"
        for package, expected in (("faust-streaming", FAUST), ("aiokafka", AIOKAFKA))
        if version(package) != expected
    ]
    for module, owner, attributes in _NAMES:
        cls = getattr(import_module(module), owner, None)
        wrong += [f"{module}.{owner}.{name}" for name in attributes if not hasattr(cls, name)]
    return wrong
