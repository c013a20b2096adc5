"""`mianshen policies language-server`: what `policies.editing` knows, for every editor that speaks the Language Server Protocol.

`knowing.py` keeps the catalog and the library at hand and reads again what has changed on disk; `wire.py` turns plain
data into the protocol's; `server.py` answers.
"""
