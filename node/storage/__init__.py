"""SQL: the only room that knows a database. Tables, migrations, and one module per store."""
