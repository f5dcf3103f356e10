"""The one door to the network: every request of every coworker goes through this broker, and nothing else connects.

``broker`` makes requests, ``addresses`` says which numeric addresses may be reached, ``wire`` speaks HTTP over a socket
that is connected already. None of them knows coworkers: whoever calls says which hosts are granted.
"""

from __future__ import annotations

from klapp.network.broker import Answer, Body, Broker, NetworkError, Request

__all__ = ["Answer", "Body", "Broker", "NetworkError", "Request"]
