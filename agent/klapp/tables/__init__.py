"""Tables as files: read from bytes, made into bytes. Nothing here touches the disk."""
