"""Catalogues, crosswalks and the shared taxonomy as data files; how to add one: `docs/add-a-jurisdiction.md`.

One folder per jurisdiction (`<division>_<name>`), one folder in it per version; `registry.discover` finds them all.
Folders of different jurisdictions never refer to each other: what they share lies in `shared/`.
"""
