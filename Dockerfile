# syntax=docker/dockerfile:1
# One image for every process of ours; the command says which one it is. Kafka, Postgres and ClickHouse are servers
# beside it, so the embedded engines are not installed.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/servers.txt requirements/servers.txt
RUN python -m venv /opt/tillstream \
    && /opt/tillstream/bin/pip install --require-hashes --requirement requirements/servers.txt
COPY pyproject.toml README.md ./
COPY contracts contracts
COPY infra infra
COPY producers producers
COPY processors processors
COPY projections projections
COPY api api
COPY tillstream tillstream
RUN /opt/tillstream/bin/pip install --no-deps --no-build-isolation . \
    && /opt/tillstream/bin/python -m compileall -q /opt/tillstream/lib

FROM python:3.11.14-slim-bookworm AS run
RUN groupadd --gid 10001 tillstream \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/tillstream --shell /usr/sbin/nologin tillstream \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/tillstream
COPY --from=build /opt/tillstream /opt/tillstream
ENV PATH=/opt/tillstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TILLSTREAM_DATA_DIR=/var/lib/tillstream \
    TILLSTREAM_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/tillstream
ENTRYPOINT ["tillstream"]
CMD ["--help"]
