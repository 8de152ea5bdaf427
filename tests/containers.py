"""The three servers in containers, where an engine answers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import docker
import pytest
from docker.errors import DockerException
from testcontainers.community.clickhouse import ClickHouseContainer
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer

from infra.addresses import Addresses, log_id_of


@contextmanager
def container_addresses() -> Iterator[Addresses]:
    """Start Kafka, Postgres and ClickHouse in containers; skip the test where no engine answers."""
    try:
        docker.from_env().ping()
    except DockerException as error:
        pytest.skip(f"no container engine answers: {error}")
    with ExitStack() as opened:
        kafka = opened.enter_context(KafkaContainer("confluentinc/cp-kafka:7.9.4").with_kraft())
        postgres = opened.enter_context(PostgresContainer("postgres:18", driver=None))
        clickhouse = opened.enter_context(
            ClickHouseContainer("clickhouse/clickhouse-server:26.3", username="tillstream", password="tillstream")
        )
        bootstrap = kafka.get_bootstrap_server()
        url = f"http://tillstream:tillstream@{clickhouse.get_container_host_ip()}:{clickhouse.get_exposed_port(8123)}/default"
        yield Addresses(bootstrap, postgres.get_connection_url(), url, log_id_of(bootstrap))
