"""From a presentation and a requirement to a verdict: facts are fetched here, judged by trust and recognition."""
