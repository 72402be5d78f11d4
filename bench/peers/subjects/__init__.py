"""A file for each peer, called after it; each says ``peer()``, see ``bench.peers.peer``."""
