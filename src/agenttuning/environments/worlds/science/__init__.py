"""ScienceWorld: the protocol of its 2023 evaluation, and the host of its Java simulator."""
