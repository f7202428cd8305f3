"""What the server tells Prometheus about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class Telemetry:
    """Metrics of one server, named ``sightline_…``; times are in seconds."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self.requests = Counter(
            "sightline_requests", "Requests by route and status.", ("route", "status"), registry=own
        )
        self.request_seconds = Histogram(
            "sightline_request_seconds", "From head to answer.", ("route",), buckets=_SECONDS, registry=own
        )
        self.pictures = Counter(
            "sightline_pictures",
            "Pictures by release and what became of them.",
            ("release", "outcome"),
            registry=own,
        )
        self.waiting = Gauge("sightline_queue_pictures", "Pictures that wait or are worked on.", registry=own)
        self.batch_size = Histogram(
            "sightline_batch_size", "Pictures a batch.", ("release",), buckets=_BATCHES, registry=own
        )
        self.decode_seconds = Histogram(
            "sightline_decode_seconds", "Decoding of a picture.", buckets=_SECONDS, registry=own
        )
        self.run_seconds = Histogram(
            "sightline_run_seconds",
            "A run of the model on a batch.",
            ("release",),
            buckets=_SECONDS,
            registry=own,
        )
        self.serving = Gauge(
            "sightline_serving", "1 for each release that is served.", ("release",), registry=own
        )
        self.captured = Counter("sightline_captured_pictures", "Answers that were kept.", registry=own)
        self.uncaptured = Counter(
            "sightline_uncaptured_pictures", "Answers that could not be kept.", registry=own
        )

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
