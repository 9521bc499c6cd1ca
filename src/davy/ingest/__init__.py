"""Every way in: the broker, the gateway that judges, the log, HTTP, bridges and replays."""
