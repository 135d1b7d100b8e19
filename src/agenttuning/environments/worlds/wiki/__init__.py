"""An encyclopaedia to search: pages by title, from a file, a live wiki, a recording of one, or a generator."""
