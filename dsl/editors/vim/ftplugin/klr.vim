" Settings for coworkers of klapp (.klr).
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

setlocal expandtab shiftwidth=2 softtabstop=2 tabstop=2
setlocal commentstring=#\ %s comments=:#
setlocal formatoptions-=t formatoptions+=croql
setlocal fileencoding=utf-8 fileformat=unix
setlocal foldmethod=indent nofoldenable

" :make checks the file, and the findings are in the quickfix list; gq puts it into the one style.
setlocal makeprg=klapp\ check\ --format\ github\ %:S
setlocal errorformat=::%trror\ file=%f\\,line=%l\\,endLine=%*[0-9]\\,col=%c\\,%.%#::%m,::%tarning\ file=%f\\,line=%l\\,endLine=%*[0-9]\\,col=%c\\,%.%#::%m,::%totice\ file=%f\\,line=%l\\,endLine=%*[0-9]\\,col=%c\\,%.%#::%m,%-G%.%#

let b:match_words = '^\s*\%(test\|if\|for\s\+each\|try\)\>\|^\%(when\|every\|cron\)\>:^\s*\%(else\|on\s\+error\)\>:^\s*end\>'
let b:undo_ftplugin = 'setlocal expandtab< shiftwidth< softtabstop< tabstop< commentstring< comments< formatoptions< foldmethod< foldenable< makeprg< errorformat< | unlet! b:match_words'
