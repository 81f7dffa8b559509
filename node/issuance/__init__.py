"""From a request to a committed report: eligibility, period, sections, attestation, one durable transaction."""
