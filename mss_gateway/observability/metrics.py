"""THE table of metrics, on a registry of our own. No label names a person."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every metric of the gateway."""

    registry: CollectorRegistry
    accepted: Counter
    refused: Counter
    delivered: Counter
    filed: Counter
    sign_ins: Counter
    connections: Gauge
    commits: Gauge
    queue_depth: Gauge
    queue_oldest_seconds: Gauge
    index_lag: Gauge
    revocation_fetches: Counter
    revocation_oldest_seconds: Gauge
    revocation_stale: Gauge
    revocation_failing: Gauge

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)


def build() -> Metrics:
    """A fresh set, so that tests and several gateways in one process do not meet."""
    registry = CollectorRegistry()

    def counter(name: str, text: str, *labels: str) -> Counter:
        return Counter(f"mss_{name}", text, labels, registry=registry)

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"mss_{name}", text, labels, registry=registry)

    return Metrics(
        registry,
        accepted=counter("accepted_messages", "Messages answered 250, by channel", "channel"),
        refused=counter("refusals", "Refusals by failure and channel", "failure", "channel"),
        delivered=counter("delivered_messages", "Deliveries into mailboxes here"),
        filed=counter("filed_documents", "Documents filed into dossiers"),
        sign_ins=counter("sign_ins", "Sign-ins by channel and outcome", "channel", "outcome"),
        connections=gauge("connections", "Open connections by protocol", "protocol"),
        commits=gauge("store_commits", "COMMITs of the store since start"),
        queue_depth=gauge("queue_items", "Items in the queue by state", "state"),
        queue_oldest_seconds=gauge("queue_oldest_seconds", "Age of the oldest due item"),
        index_lag=gauge("index_lag_messages", "Messages that are not in the text index yet"),
        revocation_fetches=counter(
            "revocation_fetches", "Fetches of revocation answers", "kind", "outcome"
        ),
        revocation_oldest_seconds=gauge(
            "revocation_oldest_seconds", "Since the answer confirmed longest ago was confirmed"
        ),
        revocation_stale=gauge(
            "revocation_stale_answers", "Needed answers that are missing or have ended"
        ),
        revocation_failing=gauge(
            "revocation_failing_sources", "Sources whose last fetch was not good"
        ),
    )
