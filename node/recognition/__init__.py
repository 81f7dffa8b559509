"""What a report proves elsewhere (`docs/recognition.md`): pure rules, no I/O, no clock.

requirement ──translate──> Plan ─┐
catalogue, crosswalk ──> IssuerView ─┤
policy (trust certificate) ──────────┼──assess──> Assessment ──judge──> Judgement
Presented (an authenticated report) ─┘                          ▲
                                     steps 1-13, flags, time ───┘
"""
