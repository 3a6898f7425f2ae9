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
    collapsed: Counter
    slowed: Counter
    relayed: Counter
    reported: Counter
    unreported: Counter
    commits: Gauge
    failed_commits: Gauge
    store_failed: Gauge
    queue_depth: Gauge
    queue_oldest_seconds: Gauge
    index_lag: Gauge
    record_index_lag: Gauge
    revocation_fetches: Counter
    revocation_oldest_seconds: Gauge
    revocation_stale: Gauge
    revocation_failing: Gauge
    certificate_days: Gauge
    certificate_refused: Gauge
    certificates_ending: Gauge
    whitelist_age_hours: Gauge
    whitelist_stale: Gauge
    loop_lag_seconds: Gauge
    disk_free: Gauge
    disk_floor: Gauge
    failed_chores: Counter
    notices: Counter
    notices_waiting: Gauge
    exports: Counter
    open_files: Gauge
    threads: Gauge

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Of metrics by their names without the prefix."""

    registry: CollectorRegistry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"mss_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"mss_{name}", text, labels, registry=self.registry)


def build() -> Metrics:
    """A fresh set, so that tests and several gateways in one process do not meet."""
    registry = CollectorRegistry()
    maker = _Maker(registry)
    counter, gauge = maker.counter, maker.gauge
    return Metrics(
        registry,
        accepted=counter("accepted_messages", "Messages answered 250, by channel", "channel"),
        refused=counter("refusals", "Refusals by failure and channel", "failure", "channel"),
        delivered=counter("delivered_messages", "Deliveries into mailboxes here"),
        filed=counter("filed_documents", "Documents filed into dossiers"),
        sign_ins=counter("sign_ins", "Sign-ins by channel and outcome", "channel", "outcome"),
        connections=gauge("connections", "Open connections by protocol", "protocol"),
        collapsed=counter(
            "collapsed_retries", "Retries that were answered like the first, by channel", "channel"
        ),
        slowed=counter("slowed_answers", "Refused recipients answered slowly to a peer"),
        relayed=counter("relays", "Attempts at other operators, by outcome", "outcome"),
        reported=counter("reports", "Reports and receipts to authors, by kind", "kind"),
        unreported=counter(
            "unreported", "Reports that could not be made, by what became of their item", "outcome"
        ),
        commits=gauge("store_commits", "COMMITs of the store since start"),
        failed_commits=gauge("store_failed_commits", "COMMITs and flushes that failed since start"),
        store_failed=gauge("store_failed", "1 once the store failed for good: the service ends"),
        queue_depth=gauge("queue_items", "Items in the queue", "state", "stage"),
        queue_oldest_seconds=gauge(
            "queue_oldest_seconds", "Age of the oldest item, in queue time", "state", "stage"
        ),
        index_lag=gauge("index_lag_messages", "Messages that are not in the text index yet"),
        record_index_lag=gauge(
            "record_index_lag_documents", "Documents that are not in the index of their record yet"
        ),
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
        certificate_days=gauge("server_certificate_days", "Days until the server's ends"),
        certificate_refused=gauge(
            "server_certificate_refused", "1 while the server's has ended or is revoked"
        ),
        certificates_ending=gauge(
            "mailbox_certificates_ending", "Holders without a certificate for 30 more days"
        ),
        whitelist_age_hours=gauge(
            "whitelist_age_hours", "Since the list of the trust space was confirmed; -1: none"
        ),
        whitelist_stale=gauge("whitelist_stale", "1 while exchanges wait for a newer list"),
        loop_lag_seconds=gauge("loop_lag_seconds", "How late the event loop last was"),
        disk_free=gauge("disk_free_octets", "Octets free where the state directory is"),
        disk_floor=gauge("disk_floor_octets", "Below so many free octets new mail is refused"),
        failed_chores=counter("failed_chores", "The caretaker's chores that failed", "chore"),
        notices=counter("notices", "E-mails to personal addresses, by outcome", "outcome"),
        notices_waiting=gauge("notices_waiting", "Things that people are still to be told of"),
        exports=counter("exports", "Copies of a whole space, by outcome", "outcome"),
        open_files=gauge("open_files", "File descriptors of the service, sockets among them"),
        threads=gauge("threads", "Threads of the service"),
    )
