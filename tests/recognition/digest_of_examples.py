"""Prints SHA-256 over everything that the worked examples answer; run under several hash seeds by a test."""

from __future__ import annotations

import hashlib

from node.adapters.worked_examples.loading import load_worked_examples
from tests.recognition.test_worked_examples import report_of

if __name__ == "__main__":
    answers = [repr(report_of(example).judge(example.requirement)) for example in load_worked_examples()]
    print(hashlib.sha256("\n".join(answers).encode()).hexdigest())  # noqa: T201 - the parent process reads it
