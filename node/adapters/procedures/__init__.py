"""What procedures require of reports, as data: one folder per jurisdiction, one TOML file per procedure.

Those that lie here are examples (`illustrative = true`): no authority has published them. A jurisdiction's own ones lie
in the folder `procedures` inside its folder of catalogues; the form is described in `docs/add-a-jurisdiction.md`.
"""
