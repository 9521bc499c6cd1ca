"""The records that any SQL database keeps alike: registry, quarantine, audit trail, users."""
