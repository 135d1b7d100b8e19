"""A Chromium of our own: one per process, a private context and page per episode, gone when the process is gone."""
