autocmd BufRead,BufNewFile *.klr setfiletype klr
