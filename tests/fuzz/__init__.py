"""Looking for programs on which klapp and the reference semantics disagree, or which leave their lane.

    python -m tests.fuzz --seconds 60 --jobs 2

One case is one program, in one world, with a sequence of events that starts it. Each is made from a number alone, so that a failure
can be had again; it is then made small, and saved.

    expressions   expressions of every type; ``lists`` those of lists and rows
    programs      texts of coworkers, well-typed by construction for the most part
    leaks         short programs that carry what not everybody may know through every shape of the language
    worlds        files with hostile names and contents, and what happens among them
    agreement     one case: klapp's engine and the reference side by side, and the laws that must hold
    interference  a case twice, with one thing otherwise: who may not know it can not tell
    refusals      what was refused: the witness lies outside, a world leads there, and the repair is accepted
    disk          the same on a real disk: perform, replay, undo
    readers       parser, formatter, globs, and the decoders of what is stored and sent
    shrinking     smaller programs that fail in the same way
    samples       texts, literals, patterns and places that programs are made of
    mutants       python -m tests.fuzz.mutants: the proof broken on purpose, which has to be found
    coverage      which of the language's words were said and carried out
"""
