"""What a report proves elsewhere (`docs/recognition.md`): pure rules, no I/O, no clock.

`cells.translate` makes a requirement ready (Plan), `coverage.IssuerView` an issuer's catalogue; `findings.assess` holds
one against the other for an examined report (Presented), cell by cell; `decision.judge` does steps 14 to 18 with that.
"""
