"""The self-contained page of a report: its template, style sheet, script, and what fills them."""
