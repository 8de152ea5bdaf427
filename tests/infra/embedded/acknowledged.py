"""Writes one row to each server and reads them all back: what was acknowledged must be there."""

import asyncio
import uuid
from collections.abc import Callable

import clickhouse_connect
import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from infra.addresses import Addresses

TOPIC = "acknowledged"


def mark() -> str:
    """Return a value that nothing else wrote."""
    return uuid.uuid4().hex


def write_kafka(addresses: Addresses, value: str) -> None:
    """Append a record and wait for the broker's acknowledgement."""

    async def write() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka_bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(TOPIC, 1, 1)])
        except TopicAlreadyExistsError:
            pass
        finally:
            await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap, acks="all")
        await producer.start()
        await producer.send_and_wait(TOPIC, value.encode())
        await producer.stop()

    asyncio.run(write())


def read_kafka(addresses: Addresses) -> set[str]:
    """Return every value in the topic."""

    async def read() -> set[str]:
        consumer = AIOKafkaConsumer(bootstrap_servers=addresses.kafka_bootstrap, auto_offset_reset="none")
        await consumer.start()
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        values: set[str] = set()
        while await consumer.position(partition) < end:
            batches = await consumer.getmany(timeout_ms=500)
            values |= {record.value.decode() for records in batches.values() for record in records}
        await consumer.stop()
        return values

    return asyncio.run(read())


def write_postgres(addresses: Addresses, value: str) -> None:
    """Commit a row."""
    with psycopg.connect(addresses.postgres_dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS acknowledged (value text)")
        connection.execute("INSERT INTO acknowledged VALUES (%s)", (value,))


def read_postgres(addresses: Addresses) -> set[str]:
    """Return every row."""
    with psycopg.connect(addresses.postgres_dsn) as connection:
        return {row[0] for row in connection.execute("SELECT value FROM acknowledged")}


def write_clickhouse(addresses: Addresses, value: str) -> None:
    """Insert a row."""
    client = clickhouse_connect.get_client(dsn=addresses.clickhouse_url)
    client.command("CREATE TABLE IF NOT EXISTS acknowledged (value String) ENGINE = MergeTree ORDER BY value")
    client.insert("acknowledged", [[value]], column_names=["value"])
    client.close()


def read_clickhouse(addresses: Addresses) -> set[str]:
    """Return every row."""
    client = clickhouse_connect.get_client(dsn=addresses.clickhouse_url)
    rows = client.query("SELECT value FROM acknowledged").result_rows
    client.close()
    return {row[0] for row in rows}


Write = Callable[[Addresses, str], None]
Read = Callable[[Addresses], set[str]]

SERVERS: dict[str, tuple[Write, Read]] = {
    "kafka": (write_kafka, read_kafka),
    "postgres": (write_postgres, read_postgres),
    "clickhouse": (write_clickhouse, read_clickhouse),
}
