"""Tools that read what others publish or deliver: catalogues, requirements of procedures, files of records."""
