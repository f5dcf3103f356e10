" Indents coworkers of klapp (.klr) as `klapp fmt` does.
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1

setlocal indentexpr=KlrIndent(v:lnum)
setlocal indentkeys=!^F,o,O,0=end,0=else,0=on\ error
let b:undo_indent = 'setlocal indentexpr< indentkeys<'

if exists('*KlrIndent')
  finish
endif

" A line that begins with one of these goes on with the line before it.
let s:joining = '^\s*\%(\%(once\s\+quiet\s\+for\|retry\|within\|catch\s\+up\|never\s\+catch\s\+up\|in\s\+time\s\+zone\|and\|or\|where\|default\|descending\|ignoring\|sorted\|grouped\|shown\|on\s\+conflict\|is\|contains\|starts\|ends\|matches\|between\|to\|with\|named\|from\|as\|by\|at\|using\|saying\)\>\|[-+*/<>=.]\)'
let s:opening = '^\s*\%(test\|if\|else\|for\s\+each\|try\|on\s\+error\)\>'
let s:rule = '^\%(when\|every\|cron\)\>'
let s:closing = '^\s*\%(end\|else\|on\s\+error\)\>'

function! KlrIndent(number) abort
  let before = s:Before(a:number)
  if before == 0
    return 0
  endif
  let line = getline(a:number)
  if line =~# s:joining
    return indent(before) + 2 * shiftwidth()
  endif
  let text = getline(before)
  let deeper = text =~# s:opening || text =~# s:rule
  return max([0, indent(before) + (deeper - (line =~# s:closing)) * shiftwidth()])
endfunction

" The line on which the statement before a line begins; 0 where there is none.
function! s:Before(number) abort
  let number = prevnonblank(a:number - 1)
  while number > 0 && (getline(number) =~# '^\s*#' || getline(number) =~# s:joining)
    let number = prevnonblank(number - 1)
  endwhile
  return number
endfunction
