"""The reader of expressions on which the other tests here rest must itself see a wrong name."""

from __future__ import annotations

import pytest

from tests.support.promql import labels_of, metrics_of


@pytest.mark.parametrize(
    ("expression", "metrics", "labels"),
    [
        ("huxin_ready == 0", {"huxin_ready"}, set()),
        ('absent(up{job="huxin"})', {"up"}, {"job"}),
        ('a{x=~"b|c",y!="d"} > 5 * 86400 and delta(e[10m]) >= 0', {"a", "e"}, {"x", "y"}),
        ('a{x!~"b"} - time() < 7 * 86400', {"a"}, {"x"}),
        ("sum by (p, q) (rate(a[5m] offset 1h)) unless b", {"a", "b"}, {"p", "q"}),
        ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval])))", {"a_bucket"}, {"le"}),
        ("label_values(huxin_build_info, instance)", {"huxin_build_info"}, set()),
    ],
)
def test_it_sees_metrics_and_labels(expression: str, metrics: set[str], labels: set[str]) -> None:
    assert metrics_of(expression) == metrics
    assert labels_of(expression) == labels
