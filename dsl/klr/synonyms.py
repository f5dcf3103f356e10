"""What people write who know other programs, or think in their own language: words, and what klapp calls the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LINES = {
    "else if": r"(?:elif|elsif|elseif|elsf|else\s*,?\s+if|sonst\s+wenn|sinon\s+si)\b",
    "else": r"(?:else|otherwise|sonst|sinon)\b|\}\s*else\b",
    "end": r"(?:end|endif|endfor|endwhen|endtry|endloop|fi|done|ende|fin|fertig|esac|next|wend)\b|\}\s*$",
    "if": r"(?:if|iff|falls|unless|while|until|switch|si)\b",
    "for": r"(?:for|foreach|forall|loop|repeat|für|pour)\b",
    "try": r"(?:try|begin|versuche|essayer)\b",
    "on": r"(?:on\s+(?:error|fail|failure|exception)|onerror|catch|except|rescue|bei\s+fehler)\b",
    "when": r"(?:when|whenever|wenn|sobald|quand|lorsque)\b",
    "every": r"(?:every|each|jeden|jede|chaque)\b",
    "test": r"""(?:test|tset|tets|etst|tst|tes|tests|testcase)\b(?=\s*["'“])""",
    "cron": r"cron\b",
    "may": r"(?:may|can|allow|darf|peut)\b",
    "let": r"(?:let|var|const|dim|sei|soit)\b",
    "setting": r"setting\b",
    "limit": r"limit\b",
    "define": r"(?:define|def|function|func|fn|sub)\b",
    "coworker": r"coworker\b",
    "about": r"about\b",
}
LINES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    ((re.compile(pattern, re.IGNORECASE)), word.split()[0]) for word, pattern in _LINES.items()
)
"""What a line begins with (a pattern), and the word of the language that says what such a line is."""

KEYWORDS: Mapping[str, str] = {
    "wenn": "when", "sobald": "when", "quand": "when", "lorsque": "when", "whenever": "when",
    "falls": "if", "si": "if", "iff": "if",
    "sonst": "else", "sinon": "else", "otherwise": "else",
    "ende": "end", "fin": "end", "endif": "end", "endfor": "end", "endwhen": "end", "endtry": "end", "fi": "end",
    "done": "end", "next": "end", "wend": "end", "esac": "end", "fertig": "end", "endloop": "end",
    "jeden": "every", "jede": "every", "chaque": "every", "each": "every",
    "darf": "may", "peut": "may", "can": "may", "allow": "may",
    "und": "and", "et": "and", "oder": "or", "ou": "or", "nicht": "not", "non": "not",
    "ist": "is", "est": "is", "nach": "to", "vers": "to", "into": "to", "onto": "to",
    "enthält": "contains", "contient": "contains", "ja": "yes", "oui": "yes", "nein": "no",
}  # fmt: skip
"""Words in place of those of the language."""

VERBS: Mapping[str, str] = {
    "delete": "trash", "remove": "trash", "del": "trash", "rm": "trash", "discard": "trash",
    "lösche": "trash", "löschen": "trash", "supprimer": "trash", "recycle": "trash",
    "shred": "erase", "wipe": "erase", "destroy": "erase", "purge": "erase", "unlink": "erase",
    "mail": "send mail", "forward": "send mail", "mailto": "send mail", "reply": "send mail",
    "mv": "move", "transfer": "move", "put": "move", "verschiebe": "move", "déplacer": "move", "sort": "move",
    "file": "move", "cut": "move",
    "cp": "copy", "duplicate": "copy", "backup": "copy", "kopiere": "copy", "copier": "copy",
    "ren": "rename", "umbenennen": "rename", "renommer": "rename",
    "print": "notify", "echo": "notify", "say": "notify", "alert": "notify", "tell": "notify", "show": "notify",
    "message": "notify", "log": "notify", "display": "notify", "warn": "notify", "melde": "notify", "puts": "notify",
    "mkdir": "make folder", "md": "make folder", "create folder": "make folder", "new folder": "make folder",
    "make directory": "make folder", "create directory": "make folder",
    "create": "write", "schreibe": "write", "add": "append",
    "exit": "stop", "quit": "stop", "return": "stop", "break": "stop", "abort": "stop", "halt": "stop",
    "continue": "skip", "ignore": "skip", "pass": "skip", "next": "skip",
    "raise": "fail", "throw": "fail", "error": "fail",
}  # fmt: skip
PROPERTIES: Mapping[str, str] = {
    "filename": "name", "basename": "name", "title": "name", "dateiname": "name", "nom": "name",
    "ext": "extension", "suffix": "extension", "endung": "extension", "filetype": "extension",
    "basename_without_extension": "stem", "shortname": "stem", "prefix": "stem",
    "content": "text", "contents": "text", "body": "text", "inhalt": "text", "data": "text", "contenu": "text",
    "length": "size", "bytes": "size", "filesize": "size", "größe": "size", "len": "size", "taille": "size",
    "date": "modified", "changed": "modified", "mtime": "modified", "updated": "modified", "datum": "modified",
    "last_modified": "modified", "time": "modified",
    "type": "kind", "mime": "kind", "category": "kind",
    "worksheets": "sheets", "tabs": "sheets", "sheet": "sheets", "workbook": "sheets", "tabellen": "sheets",
    "directory": "folder", "dir": "folder", "parent": "folder", "location": "folder", "ordner": "folder",
    "fullpath": "path", "filepath": "path", "full_path": "path", "pfad": "path",
    "birth": "created", "ctime": "created", "born": "created",
    "checksum": "hash", "sha256": "hash", "md5": "hash",
}  # fmt: skip
TYPES: Mapping[str, str] = {
    "string": "text", "str": "text", "char": "text", "varchar": "text", "words": "text", "zeichenkette": "text",
    "int": "number", "integer": "number", "float": "number", "double": "number", "decimal": "number", "num": "number",
    "numeric": "number", "zahl": "number", "money": "number", "amount": "number",
    "bool": "yes/no", "boolean": "yes/no", "flag": "yes/no", "switch": "yes/no", "checkbox": "yes/no",
    "datetime": "date", "day": "date", "timestamp": "date", "datum": "date",
    "timedelta": "duration", "interval": "duration", "timespan": "duration", "period": "duration",
    "bytes": "size", "filesize": "size", "array": "list of text", "list": "list of text", "strings": "list of text",
}  # fmt: skip
WITH_MAIL: Mapping[str, str] = {
    **dict.fromkeys(("archive", "file", "sort", "put", "place"), 'move mail to "Archive"'),
    **dict.fromkeys(("delete", "trash", "remove", "erase", "bin", "discard"), 'move mail to "Trash"'),
    **dict.fromkeys(("flag", "star", "highlight"), "mark mail as flagged"),
    "unflag": "mark mail as unflagged", "unstar": "mark mail as unflagged", "read": "mark mail as read",
    "mark": "mark mail as read", "label": 'move mail to "Label"', "tag": "mark mail as flagged",
    "forward": 'send mail to "ann@example.com" about mail.subject saying mail.text',
    "reply": 'send mail to mail.sender about "Re: {mail.subject}" saying "Thank you."',
    "answer": 'send mail to mail.sender about "Re: {mail.subject}" saying "Thank you."',
}  # fmt: skip
"""What people write before `mail`, and a statement that does it."""
PERMISSIONS: Mapping[str, str] = {
    "delete": "remove", "trash": "remove", "move": "remove", "löschen": "remove",
    "create": "write", "change": "write", "modify": "write", "edit": "write", "save": "write", "update": "write",
    "schreiben": "write", "add": "write",
    "see": "read", "access": "read", "view": "read", "list": "read", "lesen": "read", "look": "read",
    "notice": "notify", "alert": "notify", "message": "notify", "tell": "notify", "notifications": "notify",
    "mail": "send mail", "email": "send mail", "send email": "send mail", "write mail": "send mail", "reply": "send mail",
}  # fmt: skip
TRIGGERS: Mapping[str, str] = {
    **dict.fromkeys(
        ("file created", "file added", "file appears", "file comes", "file downloaded", "new file", "file is created",
         "file is added", "file lands", "a file arrives", "the file arrives", "download", "download arrives",
         "file received", "file saved", "files arrive", "any file arrives", "Datei kommt", "file is downloaded"),
        "file arrives",
    ),
    **dict.fromkeys(("run", "I ask", "clicked", "manually", "started", "called", "asked for", "i ask"), "asked"),
}  # fmt: skip
DAYS: Mapping[str, str] = {
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday", "thur": "thursday",
    "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday",
    "montag": "monday", "dienstag": "tuesday", "mittwoch": "wednesday", "donnerstag": "thursday",
    "freitag": "friday", "samstag": "saturday", "sonnabend": "saturday", "sonntag": "sunday",
    "lundi": "monday", "mardi": "tuesday", "mercredi": "wednesday", "jeudi": "thursday", "vendredi": "friday",
    "samedi": "saturday", "dimanche": "sunday",
    "workday": "weekday", "werktag": "weekday", "weekdays": "weekday", "days": "day", "tag": "day", "jour": "day",
    "morning": "day", "evening": "day", "night": "day", "daily": "day",
    "mondays": "monday", "tuesdays": "tuesday", "wednesdays": "wednesday", "thursdays": "thursday",
    "fridays": "friday", "saturdays": "saturday", "sundays": "sunday", "weekends": "weekend", "months": "month",
    "hours": "hour", "minutes": "minute", "monat": "month", "stunde": "hour", "hourly": "hour", "monthly": "month",
}  # fmt: skip
VALUES: Mapping[str, str] = {
    "true": "yes", "false": "no", "on": "yes", "off": "no", "True": "yes", "False": "no", "TRUE": "yes",
    "FALSE": "no", "null": '""', "none": '""', "None": '""', "nil": '""', "NULL": '""', "empty": '""',
    "datei": "file", "fichier": "file", "this": "it", "self": "it", "item": "it", "element": "it",
    "f": "file", "document": "file", "doc": "file", "attachment": "file", "path": "file.path",
    "filename": "file.name", "name": "file.name", "size": "file.size", "extension": "file.extension",
    "text": "file.text", "date": "today", "time": "now", "yesterday": "today - 1 day", "tomorrow": "today + 1 day",
}  # fmt: skip
"""Names in place of values. Only those are offered that can stand there."""
FUNCTIONS: Mapping[str, str] = {
    "len": "count", "size": "count", "number_of": "count", "amount": "count",
    "total": "sum", "add": "sum", "max": "highest", "maximum": "highest", "largest": "highest", "biggest": "highest",
    "min": "lowest", "minimum": "lowest", "smallest": "lowest", "distinct": "unique", "dedupe": "unique",
    "files_in": "files", "file": "files", "documents": "files", "newest": "first",
    "replace": "replacing", "replaced": "replacing", "substitute": "replacing", "split": "parts", "join": "text",
    "joined": "text", "capitalized": "capitalised", "capitalize": "capitalised", "title": "capitalised",
    "pad": "padded", "padding": "padded", "slug": "filename", "safe": "filename", "prefix": "beginning", "suffix": "ending",
}  # fmt: skip
CHOICES: Mapping[str, str] = {
    "overwrite": "replace", "override": "replace", "keep": "rename", "number": "rename", "both": "rename",
    "ignore": "skip", "nothing": "skip", "error": "fail", "stop": "fail", "abort": "fail", "ask": "fail",
}  # fmt: skip
SLOT_WORDS: Mapping[str, str] = {
    "into": "to", "onto": "to", "inside": "to", "under": "to", "nach": "to", "vers": "to", "dans": "to", "towards": "to",
    "called": "to", "too": "to", "for": "to", "using": "with", "mit": "with", "avec": "with",
}  # fmt: skip
