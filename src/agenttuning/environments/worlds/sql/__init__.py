"""One-table MySQL worlds: an embedded database, a real MariaDB, the table hash, seeded questions."""
