"""Builds what people install: a Debian package, a Windows installer and a macOS package, out of one set of locked wheels."""
