"""A small world and the devices in it, which speak the real contract over a real connection."""
