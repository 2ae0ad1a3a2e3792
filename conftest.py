"""`pytest` runs the notebooks below `nbs`, in nbdev's own shell and with the cells that `nbdev-test` would run.

A notebook is one test. Below `nbs/tests` it is one test a cell: a cell that only imports, defines or assigns is set-up
(`#| setup` makes any cell so), every other cell is a contract, named by its docstring or first line. Set-up runs before
the contracts that follow it, whichever of them are chosen.

`pytest --package` runs the same cells against the installed `rlm`: what a notebook exports is taken from the package
instead. Without it the exported code would be tested in the notebooks only."""
import ast, os, signal, sys
from pathlib import Path
from unittest import SkipTest
import pytest
from execnb.shell import CaptureShell
from fastcore.nbio import read_nb, render_text, write_nb
from nbdev.config import get_config
from nbdev.test import nb_test_cells

cfg = get_config(Path(__file__).parent)
exported = {'export', 'exports', 'exporti'}
setup_nodes = ast.Import,ast.ImportFrom,ast.FunctionDef,ast.AsyncFunctionDef,ast.ClassDef,ast.Assign,ast.AnnAssign
slow_seconds = 600
# those that take longest, each first: where notebooks run side by side, none is left to one worker at the end
longest = '13_record', '01_site', '12_walls', '10_faults', '15_cli', '14_tree', 'benchmarks', 'tree', 'kernels', '11_kernel', '16a_servers', '02c_openai_model'

def pytest_addoption(parser):
    group = parser.getgroup('notebooks')
    group.addoption('--package', action='store_true', help='take what notebooks export from the installed package')
    group.addoption('--save', action='store_true', help='store the outputs of each notebook that passes, as `nbdev-test --save` does; `nbdev-clean` comes after it')
    group.addoption('--flags', default='', metavar='"slow"',
        help='flags of cells to run that are left out otherwise, space separated (RLM_SMALL=1 makes benchmarks small)')

    group.addoption('--flagged-tests', action='store_true', help='below nbs/tests, run only cells with one of these flags: the others have run already, against the package as it is')

def pytest_configure(config):
    # a shell that starts pytest in the background lets it ignore Ctrl-C, and whatever the tests start would inherit that
    if signal.getsignal(signal.SIGINT)==signal.SIG_IGN: signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    config.option.loadscopereorder = False # pytest-xdist would begin with the notebooks of most tests

def pytest_report_header(config):
    import rlm
    flags = ', '.join(sorted(left_out(config)))
    return [f'rlm {rlm.__version__} from {Path(rlm.__file__).parent}'] * config.option.package + [f'cells marked {flags} are left out']

def pytest_collect_file(file_path, parent):
    if file_path.suffix=='.ipynb' and file_path.name[0] not in '._': return Notebook.from_parent(parent, path=file_path)

def pytest_collection_modifyitems(config, items):
    def is_out(flags): return left_out(config) & flags or config.option.flagged_tests and not set(config.option.flags.split()) & flags
    out = [o for o in items if isinstance(o, Contract) and is_out(o.cell.directives.keys())]
    if out: config.hook.pytest_deselected(items=out)
    items[:] = [o for o in items if o not in out]
    if hasattr(config, 'workerinput'): items.sort(key=lambda o: longest.index(o.path.stem) if o.path.stem in longest else len(longest))

def left_out(config):
    "Flags of the cells that are not run"
    return set(cfg.tst_flags.split()) - set(config.option.flags.split())

def body(cell):
    "Statements of `cell`; none of a cell that starts with a magic"
    try: return ast.parse(cell.source).body
    except SyntaxError: return []

def is_setup(cell):
    "Does `cell` prepare for the contracts below it?"
    stmts = body(cell)
    return 'setup' in cell.directives or bool(stmts) and all(isinstance(o, setup_nodes) for o in stmts)

def title(cell):
    "The docstring of `cell`, or its first comment or line of code"
    stmts = body(cell)
    if stmts and isinstance(stmts[0], ast.Expr) and isinstance(stmts[0].value, ast.Constant) and isinstance(stmts[0].value.value, str):
        return stmts[0].value.value.strip().splitlines()[0]
    lines = [o.strip() for o in cell.source.splitlines() if o.strip() and not o.startswith('#|')]
    return lines[0].lstrip('# ')[:80] if lines else cell.id

class CellError(Exception):
    "A cell that failed: where, its code, its traceback"

class Notebook(pytest.File):
    "A notebook, and the shell that its cells share"
    def collect(self):
        self.cells = [o for o in nb_test_cells(self.path) if body(o) or o.source.lstrip().startswith('%') or 'default_exp' in o.directives]
        if self.path.parent.name!='tests': return [Whole.from_parent(self, name=self.path.stem)]
        names:dict[str,int] = {}
        return [Contract.from_parent(self, name=self.unique(title(o), names), cell=o) for o in self.cells if not is_setup(o)]

    def unique(self, name, names):
        "`name`, numbered when the notebook has it already"
        names[name] = names.get(name, 0) + 1
        return name if names[name]==1 else f'{name} ({names[name]})'

    def setup(self):
        self.before = os.getcwd()
        os.environ['IN_TEST'] = '1'
        os.chdir(self.path.parent)
        self.shell,self.ran,self.broken,self.outputs = CaptureShell(self.path),set(),None,{}

    def teardown(self):
        self.shell.close()
        os.chdir(self.before)
        os.environ.pop('IN_TEST', None)

    def package_names(self):
        "Code that takes the names of this notebook's module from the package"
        mod = next(o.directives['default_exp'] for o in self.cells if 'default_exp' in o.directives)
        return f'import {cfg.lib_name}.{mod} as _mod; globals().update({{k:v for k,v in vars(_mod).items() if k[:2]!="__"}})'

    def run(self, cell):
        "Run `cell`; raises `CellError` when it fails, and skips the test when it raises `SkipTest`"
        if self.broken: raise self.broken
        if left_out(self.config) & cell.directives.keys(): return
        source = self.package_names() if self.config.option.package and exported & cell.directives.keys() else cell.source
        self.outputs[cell.id] = outputs = self.shell.run(source, timeout=slow_seconds if 'slow' in cell.directives else cfg.cell_timeout)
        exc = self.shell.exc
        if exc is None: return
        error = self.verdict(exc, f'{self.path.name} #{cell.id}\n\n{source}\n\n{render_text(outputs)}')
        if isinstance(exc, TimeoutError) or is_setup(cell): self.broken = error
        raise error

    def save(self):
        "Put what the cells have shown into the file"
        nb = read_nb(self.path)
        for o in nb.cells:
            if o.id in self.outputs: o.outputs = list(self.outputs[o.id])
        new = self.path.with_name(f'.{self.path.name}.new')
        write_nb(nb, new)
        os.replace(new, self.path) # whoever reads it meanwhile finds a whole notebook

    def verdict(self, exc, report):
        "What pytest is told when a cell raised `exc`"
        if isinstance(exc, (SkipTest, pytest.skip.Exception)): return pytest.skip.Exception(str(exc))
        return CellError(f"{type(exc).__name__}: {' '.join(str(exc).split())[:120]}, in {report}")

    def run_setup(self, cell):
        "Run the set-up above `cell` that has not run yet"
        for o in self.cells[:self.cells.index(cell)]:
            if is_setup(o) and o.id not in self.ran:
                self.ran.add(o.id)
                self.run(o)

class CellTest(pytest.Item):
    "What every test has: a notebook above it, and a readable report"
    parent:Notebook # type: ignore[assignment]

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if isinstance(excinfo.value, CellError) else super().repr_failure(excinfo, style)
    def reportinfo(self): return self.path,None,f'{self.path.name}: {self.name}'

class Whole(CellTest):
    "A notebook as one test"
    def runtest(self):
        for o in self.parent.cells: self.parent.run(o)
        if self.config.option.save and not self.config.option.package: self.parent.save()

class Contract(CellTest):
    "One cell of a notebook below `nbs/tests`"
    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        self.cell = cell

    def runtest(self):
        self.parent.run_setup(self.cell)
        self.parent.run(self.cell)
