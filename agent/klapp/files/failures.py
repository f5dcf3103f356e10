"""What the system's error numbers mean to a person: each becomes a FileError that names the path and what to do."""

from __future__ import annotations

import errno

from klapp.files.protocol import FileError
from klapp.files.shown import shown

_MEANING: dict[int, tuple[str, str]] = {}
for _numbers, _kind, _sentences in (
    (
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "full",
        "There is no room left on the disk for “{}”. Nothing was changed; make room and run this again.",
    ),
    (
        (errno.EROFS,),
        "readonly",
        "“{}” lies on a disk that can only be read. Nothing was changed; make the disk writable or choose another place.",
    ),
    (
        (errno.EACCES, errno.EPERM),
        "readonly",
        "The system does not let you change or open “{}”. Nothing was changed; ask its owner for access.",
    ),
    (
        (errno.EBUSY, errno.ETXTBSY, errno.EAGAIN),
        "busy",
        "“{}” is in use by another program. Nothing was changed; close it there and run this again.",
    ),
    (
        (errno.ELOOP, errno.EXDEV),
        "denied",
        "The way to “{}” leads through a link, which is never followed. Nothing was changed; use the real folder.",
    ),
    (
        (errno.ENAMETOOLONG,),
        "system",
        "The name “{}” is too long for its disk. Nothing was changed; choose a shorter one.",
    ),
    (
        (errno.EINVAL, errno.EILSEQ),
        "system",
        "The disk can not hold a file named “{}”. Nothing was changed; choose another name.",
    ),
    (
        (errno.ENOENT, errno.ENOTDIR, errno.ESTALE),
        "missing",
        "“{}” is not there. It may have been moved or deleted; nothing was changed.",
    ),
    (
        (errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENXIO),
        "taken",
        "Something else is already at “{}”. Nothing was changed; choose another name or move that away.",
    ),
    (
        (errno.EMFILE, errno.ENFILE, errno.ENOMEM),
        "busy",
        "The system has too much open to reach “{}”. Nothing was changed; close some programs and run this again.",
    ),
):
    _MEANING.update(dict.fromkeys(_numbers, (_kind, _sentences)))


def failure(error: OSError, path: str) -> FileError:
    """The FileError for what the system answered about ``path``."""
    kind, sentences = _MEANING.get(
        error.errno or 0,
        ("system", f"The system could not do this with “{{}}” ({error.strerror or error}). Nothing was changed."),
    )
    return FileError(sentences.format(shown(path)), kind)


def denied(path: str, wish: str) -> FileError:
    """The refusal of something outside the lane; ``wish`` is what was not to be, such as "write"."""
    return FileError(
        f"This coworker may not {wish} “{shown(path)}”. Nothing was changed; its “may” lines say where it may work.",
        "denied",
    )


def changed(path: str) -> FileError:
    """The refusal to act on a file that is no longer the one that was looked at."""
    return FileError(
        f"“{shown(path)}” was changed by someone else in the meantime. Nothing was done to it; run this again.",
        "changed",
    )


def missing(path: str) -> FileError:
    """Nothing is at a path where a file should be."""
    return failure(FileNotFoundError(errno.ENOENT, ""), path)


def taken(path: str) -> FileError:
    """Something is at a path that should be free, or something other than a regular file where one should be."""
    return failure(FileExistsError(errno.EEXIST, ""), path)


def let_go(path: str) -> FileError:
    """The copy that was kept of a file is no longer there."""
    return FileError(f"What “{shown(path)}” was before is no longer kept. Nothing was changed.", "gone")


def spoilt(path: str) -> FileError:
    """The copy that was kept of a file is not as klapp wrote it."""
    return FileError(
        f"The copy that was kept of what “{shown(path)}” was before is damaged, so it can not be brought back.", "gone"
    )
