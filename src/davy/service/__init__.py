"""The shell around the pure core: configuration, loop, writer, the present, and people."""
