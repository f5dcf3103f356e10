" Syntax of coworkers of klapp (.klr). A test holds its words against the grammar of the language.
if exists('b:current_syntax')
  finish
endif
syntax spell toplevel
syntax iskeyword @,48-57,_,192-255

" The first word of a line that is no word of the language is a verb.
syntax match klrVerb '^\s*\zs[[:alpha:]_]\k*'

" Words that join, anywhere; those of several words after the words that they begin with, for the last match wins.
syntax match klrOperator '\<\%(is\|contains\|matches\|and\|or\|not\|where\|descending\|between\|default\)\>'
syntax match klrSlot '\<\%(to\|with\|from\|as\|by\|at\|in\|named\|on\|of\|after\|before\|for\|retry\|within\|about\|saying\|using\)\>'
syntax match klrOperator '\<\%(contains\s\+all\s\+of\|contains\s\+any\s\+of\|is\s\+any\s\+of\|is\s\+not\|starts\s\+with\|ends\s\+with\|ignoring\s\+case\|sorted\s\+by\|grouped\s\+by\)\>'
syntax match klrSlot '\<\%(on\s\+conflict\|on\s\+error\|shown\s\+as\|one\s\+of\|at\s\+a\s\+time\|at\s\+most\|catch\s\+up\|in\s\+time\s\+zone\|never\s\+catch\s\+up\|once\s\+quiet\s\+for\)\>'
syntax match klrConstant '\<\%(yes\|no\)\>'

" Words that begin a line.
syntax match klrDeclaration '^\s*\zs\%(coworker\|about\|may\|setting\|secret\|limit\|define\)\>'
syntax match klrControl '^\s*\zs\%(when\|every\|cron\|test\|given\|expect\|let\|if\|else\s\+if\|else\|for\s\+each\|try\|on\s\+error\|end\)\>'

syntax match klrSign '[-+*/<>=]'
syntax match klrNumber '\<\d\+\%(\.\d\+\)\?\%(\s*\%(bytes\?\|[kKMGT]i\?B\|seconds\?\|minutes\?\|hours\?\|days\?\|weeks\?\|months\?\|years\?\)\)\?\>'
syntax match klrMoment '\<\d\{4}-\d\d-\d\d\%(\s\+\d\{1,2}:\d\d\%(:\d\d\)\?\)\?\>'
syntax match klrMoment '\<\d\{1,2}:\d\d\%(:\d\d\)\?\>'
syntax match klrProperty '\.\s*\zs[[:alpha:]_]\k*'
syntax match klrType ':\s*\zs\%(list\s\+of\s\+\)*[[:alpha:]_]\k*\%(/\k\+\)\?'

syntax match klrFormat ':[^{}"]*\ze}' contained
syntax region klrHole matchgroup=klrBrace start='{' end='}' oneline contained contains=klrOperator,klrSlot,klrConstant,klrSign,klrNumber,klrMoment,klrProperty,klrFormat,klrString,klrMatch
syntax match klrEscape '\\.\|{{\|}}' contained
syntax region klrString start='"' end='"\|$' oneline contains=klrEscape,klrHole,@Spell
syntax region klrPattern matchgroup=klrQuote start='"' end='"' oneline contained
syntax match klrMatch '\<\%(matches\s\+of\|match\s\+of\|matches\)\>\s*\ze"' nextgroup=klrPattern
syntax match klrComment '#.*$' contains=klrTodo,@Spell
syntax keyword klrTodo TODO FIXME contained

highlight default link klrComment Comment
highlight default link klrTodo Todo
highlight default link klrVerb Function
highlight default link klrDeclaration Structure
highlight default link klrControl Statement
highlight default link klrOperator Operator
highlight default link klrMatch Operator
highlight default link klrSign Operator
highlight default link klrSlot Keyword
highlight default link klrConstant Boolean
highlight default link klrNumber Number
highlight default link klrMoment Constant
highlight default link klrProperty Identifier
highlight default link klrType Type
highlight default link klrString String
highlight default link klrQuote String
highlight default link klrPattern SpecialChar
highlight default link klrEscape SpecialChar
highlight default link klrFormat SpecialChar
highlight default link klrBrace Delimiter

let b:current_syntax = 'klr'
