"""The tasks of webarena-mini, by site: what is asked, how it is judged, how it is done."""
