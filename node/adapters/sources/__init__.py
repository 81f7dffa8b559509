"""Files that data-source units deliver, read row by row. One module per format; our own is `docs/csv-source.md`."""
