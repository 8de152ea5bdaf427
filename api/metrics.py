"""What an API process counts, as one typed list of Prometheus metrics in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCY_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one app; two apps in one process do not share them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tillstream_api_requests", "Requests answered, by route and status.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tillstream_api_request_seconds",
            "Time to the end of an answer, seconds (streams excepted).",
            ["route"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.events = Counter("tillstream_api_events", "Events posted, by what became of them.", ["outcome"], registry=self.registry)
        self.webhooks = Counter(
            "tillstream_webhook_parts",
            "Parts of vendors' deliveries, by what became of them; refused ones could not be translated.",
            ["connection", "outcome"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "tillstream_quarantine_refusals",
            "Rejected events: kept in the quarantine, foreign (of another's store or chain, never kept) or lost.",
            ["outcome"],
            registry=self.registry,
        )
        self.quarantine_open = Gauge(
            "tillstream_quarantine_open", "Open entries of the quarantine, by source and code.", ["source", "code"], registry=self.registry
        )
        self.quarantine_expiring = Gauge(
            "tillstream_quarantine_expiring", "Open entries that expire within 14 days, by source.", ["source"], registry=self.registry
        )
        self.dead_letters = Gauge(
            "tillstream_dead_letters",
            "Dead letters of the serving generations and of the rules.",
            ["projection", "reason", "disposition"],
            registry=self.registry,
        )
        self.records = Gauge(
            "tillstream_records", "Records accounted for, by what became of them.", ["projection", "outcome"], registry=self.registry
        )
        self.unread = Gauge("tillstream_unread_records", "Records on the log beyond a consumer.", ["projection"], registry=self.registry)
        self.accounting_problems = Gauge(
            "tillstream_accounting_problems", "Partitions whose accounts do not tile.", ["projection"], registry=self.registry
        )
        self.consumer_halted = Gauge(
            "tillstream_consumer_halted", "1 where a consumer has halted and a person has to look.", ["projection"], registry=self.registry
        )
        self.in_flight = Gauge("tillstream_api_in_flight", "Requests in flight, by gate.", ["gate"], registry=self.registry)
        self._count_reconciliation()

    def _count_reconciliation(self) -> None:
        self.reconciliation_verdict = Gauge(
            "tillstream_reconciliation_verdict",
            "1 for the verdict of the last reconciliation, of the read models and of the business.",
            ["about", "verdict"],
            registry=self.registry,
        )
        self.reconciliation_age = Gauge(
            "tillstream_reconciliation_age_seconds",
            "Since the last verdict was given, or it was seen that no event had come since.",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Write all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)
