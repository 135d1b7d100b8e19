"""One-table MySQL worlds: an embedded database, a real MariaDB, the table hash and seeded questions; no prompt in them."""
