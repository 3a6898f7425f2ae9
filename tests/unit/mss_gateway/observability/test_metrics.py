"""The table of metrics: complete, and without a name in it."""

import dataclasses

from prometheus_client import Counter, Gauge
from prometheus_client.parser import text_string_to_metric_families

from mss_gateway.observability import metrics

LABELS = {"channel", "chore", "kind", "failure", "outcome", "protocol", "stage", "state"}
"""What a metric may be divided by: none of these names a person."""


def collectors(one: metrics.Metrics) -> dict[str, Counter | Gauge]:
    return {
        field.name: getattr(one, field.name)
        for field in dataclasses.fields(one)
        if field.name != "registry"
    }


def test_every_metric_is_registered_and_rendered() -> None:
    one = metrics.build()
    for collector in collectors(one).values():
        labels = collector._labelnames
        (collector.labels(*("x" for _ in labels)) if labels else collector).inc()
    families = list(text_string_to_metric_families(one.render().decode()))
    rendered = {family.name for family in families if not family.name.endswith("_created")}
    assert len(rendered) == len(collectors(one))
    assert all(family.name.startswith("mss_") and family.documentation for family in families)


def test_no_label_names_a_person() -> None:
    used = {name for one in collectors(metrics.build()).values() for name in one._labelnames}
    assert used == LABELS


def test_two_gateways_in_one_process_count_apart() -> None:
    first, second = metrics.build(), metrics.build()
    first.delivered.inc()
    assert b"mss_delivered_messages_total 1.0" in first.render()
    assert b"mss_delivered_messages_total 0.0" in second.render()
