"""Schema migrations, run by `Database.migrate()`; they travel inside the package."""
