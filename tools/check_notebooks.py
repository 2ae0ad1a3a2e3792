"""The style meter: `python tools/check_notebooks.py nbs --pkg rlm [--strict] [--quiet]` reads the notebooks and changes nothing.

It prints a row of numbers for each chapter, then `notebook[cell] rule: what`. Most rules are hints for a reviewer. Those in
`hard` are not: with `--strict` one of them gives exit status 1. Chapters (the notebooks right below the folder) answer for every
rule, pages in sub-folders for those of prose and lessons, notebooks below `tests` for the hard ones. Standard library only.

| rule | hard | meaning |
|---|---|---|
| layer | yes | a notebook imports only from notebooks with lower numbers |
| size | yes | a function has at most 40 lines, a chapter at most 600 exported ones |
| star | yes | no `import *` in exported code |
| doc | yes | every public function and class has a docstring |
| import-mix | yes | imports stand in cells of their own: docs and lessons treat them apart |
| patch | yes | classes and functions of others are left as they are |
| title, docment, params, run, prose, print, display, try, comment, todo, except | no | see what they say |"""
import argparse, ast, json, re, sys
from dataclasses import dataclass, field
from pathlib import Path

hard = {'layer', 'size', 'star', 'doc', 'import-mix', 'patch'}
max_exported, max_function, max_params, max_run, max_gap = 600, 40, 8, 3, 4
functions = ast.FunctionDef,ast.AsyncFunctionDef
imports = ast.Import,ast.ImportFrom

# --- reading a cell

def directives(cell):
    "Name -> value of the directives of `cell`, from `#|` comments or nbdev's metadata"
    found = dict((cell.get('metadata') or {}).get('nbdev') or {})
    return found | {m[1]: m[2].strip() for m in re.finditer(r'^#\s*\|\s*(\w+):?[ \t]*(.*)$', ''.join(cell['source']), re.M)}

def code_of(cell):
    "The Python lines of `cell`; empty ones for magics and directives"
    return '\n'.join('' if re.match(r'\s*[%!]|#\s*\|', o) else o for o in ''.join(cell['source']).splitlines())

def parsed(code):
    try: return ast.parse(code)
    except SyntaxError: return ast.parse('')

def is_export(found): return bool(found.keys() & {'export', 'exports', 'exporti'})

def inner_nodes(tree):
    "Ids of what stands inside a function of `tree`"
    return {id(m) for n in ast.walk(tree) if isinstance(n, functions) for m in ast.walk(n) if m is not n}

def params(fn):
    a = fn.args
    return [o for o in a.posonlyargs+a.args+a.kwonlyargs if o.arg not in ('self', 'cls')]

def is_ours(node, pkg): return isinstance(node, ast.ImportFrom) and bool(node.level or (node.module or '').split('.')[0]==pkg)

def own_module(node, pkg):
    "Module of `pkg` that the import `node` names, if any"
    if not is_ours(node, pkg): return None
    path = (node.module or '').split('.')
    return path[-1] if node.level else path[1] if len(path)>1 else path[0]

# --- what is found

@dataclass
class Notebook:
    "A notebook, what was found in it, and its numbers"
    path:Path
    name:str # Path below the folder
    kind:str # `chapter`, `page` or `tests`
    cells:list
    pkg:str
    order:dict # Module -> place of its chapter
    hints:list = field(default_factory=list)
    sizes:list = field(default_factory=list) # Lines of each exported function
    exported:int = 0
    lessons:int = 0
    prose:int = 0
    public:int = 0
    documented:int = 0
    params:int = 0
    docments:int = 0
    own:set = field(default_factory=set) # Names that are this package's
    foreign:set = field(default_factory=set) # Names imported from elsewhere

    @property
    def module(self): return next((directives(c)['default_exp'] for c in self.cells if 'default_exp' in directives(c)), None)

    def say(self, i, rule, what):
        if self.kind!='tests' or rule in hard: self.hints.append((self.name, i, rule, what))

    def row(self):
        sizes = sorted(self.sizes) or [0]
        return dict(nb=self.name, module=self.module or '-', exported=self.exported, lessons=self.lessons, prose=self.prose,
            fn=len(self.sizes), fn_med=sizes[len(sizes)//2], fn_max=sizes[-1], doc=f'{self.documented}/{self.public}',
            docments=f'{self.docments}/{self.params}', hints=len(self.hints))

# --- the rules

def check_imports(nb, i, tree):
    "No star, no import from a later chapter; remember whose the names are"
    for n in ast.walk(tree):
        if not isinstance(n, imports): continue
        (nb.own if is_ours(n, nb.pkg) else nb.foreign).update(a.asname or a.name.split('.')[0] for a in n.names)
        mod = own_module(n, nb.pkg)
        if mod in nb.order and nb.module in nb.order and nb.order[mod]>=nb.order[nb.module]:
            nb.say(i, 'layer', f'`{nb.module}` imports `{mod}`, which is not below it')
        if isinstance(n, ast.ImportFrom) and n.names[0].name=='*' and n in tree.body: nb.say(i, 'star', f'`from {n.module} import *` in exported code')

def check_patches(nb, i, tree):
    "Nothing of others is changed, neither by assignment nor by `@patch`"
    for n in tree.body:
        for t in n.targets if isinstance(n, ast.Assign) else []:
            if isinstance(t, ast.Attribute) and ast.unparse(t).split('.')[0] in nb.foreign: nb.say(i, 'patch', f'import-time patch of `{ast.unparse(t)}`')
    for n in ast.walk(tree):
        if not isinstance(n, functions) or not any('patch' in ast.unparse(o) for o in n.decorator_list): continue
        if not n.args.args or not n.args.args[0].annotation: continue
        cls = ast.unparse(n.args.args[0].annotation).strip('()')
        if cls.split('.')[0] not in nb.own: nb.say(i, 'patch', f'`@patch` on `{cls}`, a class that is not ours')

def check_function(nb, i, fn, lines, inner):
    "Size, parameters and documentation of `fn`"
    size,args = fn.end_lineno-fn.lineno+1,params(fn)
    nb.sizes.append(size)
    if size>max_function: nb.say(i, 'size', f'`{fn.name}` is {size} lines')
    if len(args)>max_params: nb.say(i, 'params', f'`{fn.name}` takes {len(args)} parameters')
    if fn.name.startswith('_') or inner: return
    bare = [o.arg for o in args if '#' not in lines[o.lineno-1]]
    nb.public,nb.documented = nb.public+1,nb.documented+bool(ast.get_docstring(fn))
    nb.params,nb.docments = nb.params+len(args),nb.docments+len(args)-len(bare)
    if not ast.get_docstring(fn): nb.say(i, 'doc', f'`{fn.name}` has no docstring')
    if bare: nb.say(i, 'docment', f'`{fn.name}`: no docment for {", ".join(bare)}')

def check_export(nb, i, cell, tree):
    "An exported cell"
    code,inner = code_of(cell),inner_nodes(tree)
    nb.exported += sum(bool(o.strip()) for o in code.splitlines())
    nb.own.update(n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    check_imports(nb, i, tree)
    check_patches(nb, i, tree)
    for n in ast.walk(tree):
        if isinstance(n, functions): check_function(nb, i, n, code.splitlines(), id(n) in inner)
        elif isinstance(n, ast.ClassDef) and id(n) not in inner and not n.name.startswith('_') and not ast.get_docstring(n):
            nb.say(i, 'doc', f'class `{n.name}` has no docstring')
        elif isinstance(n, ast.ExceptHandler) and n.type is None: nb.say(i, 'except', 'bare `except:`')

def check_end(nb, i, last):
    "A lesson ends in the value worth showing"
    call = ast.unparse(last) if isinstance(last, ast.Expr) else ''
    if call.startswith('print('): nb.say(i, 'print', 'ends in print(): end in the bare value')
    if call.startswith('test_') or isinstance(last, (ast.Assert, ast.Try)): nb.say(i, 'display', 'ends in an assertion: end in the value it is about')

def check_lesson(nb, i, cell, tree):
    "A cell that the reader sees"
    source = ''.join(cell['source'])
    found = [n for n in tree.body if isinstance(n, imports)]
    if found and len(found)<len(tree.body): nb.say(i, 'import-mix', 'imports mixed with other code')
    if not found: check_end(nb, i, tree.body[-1])
    if any(isinstance(n, ast.Try) for n in tree.body): nb.say(i, 'try', 'use `expect_fail`')
    if re.search(r'^\s*#(?!\s*\|)', source, re.M): nb.say(i, 'comment', 'comment in a lesson cell: split the cell, make it prose')
    if re.search(r'TODO|FIXME', source): nb.say(i, 'todo', 'TODO on a docs page')

def check_title(nb):
    "The first heading has a subtitle"
    for i,c in enumerate(nb.cells):
        source = ''.join(c['source'])
        if c['cell_type']=='markdown' and source.lstrip().startswith('# '):
            if not re.search(r'^>', source, re.M): nb.say(i, 'title', 'no `>` subtitle under the H1')
            return

def check(nb):
    "Every rule, cell by cell"
    run = gap = 0 # exported cells, and cells of any code, since the last prose
    check_title(nb)
    for i,c in enumerate(nb.cells):
        if c['cell_type']!='code':
            run,gap,nb.prose = 0,0,nb.prose+1
            continue
        tree,found = parsed(code_of(c)),directives(c)
        if not tree.body: continue
        if is_export(found):
            run,gap = run+1,gap+1
            if run>max_run and not any(isinstance(n, imports) for n in tree.body): nb.say(i, 'run', f'{run} exported cells with no prose or lesson between')
            check_export(nb, i, c, tree)
        elif not found.keys() & {'hide', 'default_exp', 'setup'}:
            run,gap,nb.lessons = 0,gap+1,nb.lessons+1
            if gap>max_gap: nb.say(i, 'prose', f'{gap} code cells in a row without a word of prose')
            check_lesson(nb, i, c, tree)
    if nb.exported>max_exported: nb.say('-', 'size', f'{nb.exported} exported lines (at most {max_exported})')

# --- the folder

def read(path): return json.loads(path.read_text(encoding='utf-8'))['cells']

def kind(rel): return 'chapter' if len(rel.parts)==1 else 'tests' if rel.parts[0]=='tests' else 'page'

def notebooks(folder, pkg):
    "The notebooks of `folder` and its sub-folders"
    paths = sorted((o for o in folder.rglob('*.ipynb') if not any(p[0] in '._' for p in o.relative_to(folder).parts)),
        key=lambda o: (len(o.relative_to(folder).parts), o))
    chapters = [o for o in paths if o.parent==folder]
    order = {directives(c)['default_exp']: k for k,o in enumerate(chapters) for c in read(o) if 'default_exp' in directives(c)}
    return [Notebook(o, o.relative_to(folder).as_posix(), kind(o.relative_to(folder)), read(o), pkg, order) for o in paths]

def main():
    parser = argparse.ArgumentParser(description='Style meter for a folder of nbdev notebooks')
    parser.add_argument('nbs', type=Path, help='folder of the notebooks')
    parser.add_argument('--pkg', default='rlm', help='name of the package')
    parser.add_argument('--strict', action='store_true', help='exit status 1 when a hard rule is broken')
    parser.add_argument('--quiet', action='store_true', help='hard findings only')
    args = parser.parse_args()
    nbs = notebooks(args.nbs, args.pkg)
    for nb in nbs:
        check(nb)
        if nb.kind=='chapter' and not args.quiet: print('  '.join(f'{k}={v}' for k,v in nb.row().items()))
    hints = [o for nb in nbs for o in nb.hints]
    broken = [o for o in hints if o[2] in hard]
    for name,i,rule,what in broken if args.quiet else hints: print(f'{name}[{i}] {rule}: {what}')
    print(f'{len(hints)} hints, {len(broken)} hard')
    sys.exit(bool(args.strict and broken))

if __name__=='__main__': main()
