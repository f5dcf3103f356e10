"""A second meaning of the language: naive, slow, and written apart from klapp, to hold klapp against.

It walks the syntax tree that the parser gives and keeps the world in a dictionary. It shares no code with what checks,
proves or compiles a coworker, nor with what carries it out: only the tree (``klr.syntax``) and the plain data of dates,
spans and months. Numbers are whole numbers with a scale, globs are matched by trying everything. Where it and klapp
disagree on any program, one of them is wrong; ``tests.fuzz`` looks for such programs.

    globs         which paths a pattern matches
    numbers       exact decimal arithmetic
    showing       values as texts
    functions     the functions of the language
    properties    what a file tells of itself
    world         files and folders, and what the verbs do to them
    evaluation    the value of each expression
    interpreter   statements, and what a run does
    flows         what each host and person is told
"""
