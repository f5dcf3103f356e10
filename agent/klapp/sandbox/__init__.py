"""The sandbox: what reads hostile content does so in a process that can reach nothing."""

from klapp.sandbox.worker import Failed, Reader

__all__ = ["Failed", "Reader"]
