"""Small web forms without a browser: a page model on lxml, and seeded tasks on it."""
