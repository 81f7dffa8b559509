"""Names under which a node's samples are scraped, from a real scrape of a node that did one of everything."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.support.metrics import exercised

COMMON_LABELS = {"instance", "job", "le"}
"""Labels that Prometheus adds or that histograms have."""


def exported_names() -> set[str]:
    """Sample names, `_bucket`, `_sum` and `_count` of histograms included."""
    text = exercised().render("text/plain")[0].decode()
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
