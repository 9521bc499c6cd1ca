"""The stages that judge readings: pure, in event time, and indifferent to how a batch is cut."""
