"""The time machine: the service's own code on a virtual clock and a scratch database."""
