"""README.md from `nbs/index.ipynb`, and the docs site from all notebooks (those below `nbs/tests` aside).

    python tools/docs.py                   # both; the site goes to _docs
    python tools/docs.py readme
    python tools/docs.py site --out DIR

nbdev does its part as always: hidden cells dropped, `show_doc` added. From there to pages it is mkdocs, with strict links.
What a notebook defines is linked by its name in backticks, and its source stands folded under its signature."""
import ast, html, logging, os, re, shutil, sys, tempfile, textwrap
from functools import cache, partial
from importlib import import_module
from itertools import chain, groupby
from pathlib import Path
from fastcore.basics import AttrDict
from fastcore.nbio import mk_cell, read_nb
from fastcore.script import call_parse
from mkdocs.commands.build import build
from mkdocs.config import load_config
import nbdev.config
from nbdev.config import get_config, nbpath2html
from nbdev.processors import FilterDefaults, add_links, exec_show_docs
from nbdev.showdoc import show_doc
import traitlets.traitlets
import yaml

nbdev.config._load_toml = cache(nbdev.config._load_toml) # it is asked for with each cell, and reading it anew took a third of the time
vars(traitlets.traitlets).setdefault('Self', object) # an annotation that only type checkers know, and that Python 3.11.2 evaluates all the same
cfg = get_config(Path(__file__).parent)
exported = {'export', 'exports'}
defines = ast.FunctionDef,ast.AsyncFunctionDef,ast.ClassDef
assets = {'.css', '.gif', '.jpg', '.js', '.png', '.svg'}
parts = {'00': 'I · What is kept', '02': 'II · Two worlds', '07': 'III · The loop', '10': 'IV · Choosing',
    '11': 'V · Looking, measuring, serving'}  # a part of the book by its first chapter

def notebooks(folder):
    "Notebooks of `folder` below `nbs`, in reading order; none when there is no such folder"
    return sorted(o.relative_to(cfg.nbs_path) for o in (cfg.nbs_path/folder).glob('*.ipynb') if o.name[0] not in '._')

def chapters(): return [o for o in notebooks('.') if o.name!=cfg.readme_nb]
def address(nb): return nbpath2html(nb).with_suffix('.md')
def pages(nbs): return [address(o).as_posix() for o in nbs]

def book():
    "The chapters' pages, a list for each part"
    starts = sorted(parts)
    res:dict[str, list[Path]] = {}
    for o in chapters(): res.setdefault(parts[max(s for s in starts if s<=o.name[:2])], []).append(o)
    return [{k: pages(v)} for k,v in res.items()]

def navigation():
    "The sections of the site, in reading order"
    nav = {'Tutorials': pages(notebooks('tutorials')), 'The book': book(), 'How-to': pages(notebooks('how_to')),
        'Explanations': pages(notebooks('explanations'))}
    return [{'Home': address(Path(cfg.readme_nb)).as_posix()}] + [{k: v} for k,v in nav.items() if v]

# --- what the notebooks define

def definitions(nb):
    "Name -> source of each definition that notebook `nb` exports; of a method, no source"
    res:dict[str, str|None] = {}
    for c in read_nb(cfg.nbs_path/nb).cells:
        if c.cell_type!='code' or not exported & c.directives.keys(): continue
        src = ''.join(c._partition()[1]).strip()
        for o in ast.parse(src).body:
            if not isinstance(o, defines): continue
            top = min([o.lineno, *(d.lineno for d in o.decorator_list)])
            res[o.name] = '\n'.join(src.splitlines()[top-1:o.end_lineno])
            if isinstance(o, ast.ClassDef): res |= {f'{o.name}.{m.name}': None for m in o.body if isinstance(m, defines)}
    return res

class Links:
    "Where each exported name is documented"
    def __init__(self):
        self.sources = {o: definitions(o) for o in chapters()}
        self.homes:dict[str, tuple[Path, str]] = {}
        for nb,names in self.sources.items():
            for name in names:
                for full in (name, f'{cfg.lib_name}.{name}', f'{nbpath2html(nb).stem}.{name}'): self.homes.setdefault(full, (nb, name))

    def link(self, nb, shown, m):
        "Markdown for the backticked name that `m` matched on the page of `nb`"
        name = m[1].removesuffix('()')
        home,name = (nb, name) if name in self.sources.get(nb, ()) else self.homes.get(name, (None, name))
        if home is None or f'{home}#{name}'.lower() not in shown: return m[0]
        return f'[{m[0]}]({relative(address(home), nb)}#{name.lower()})'

    def apply(self, nb, md, shown):
        "`md`, the page of `nb`, with links on the names in backticks that are `shown` somewhere"
        return outside_code(partial(re.sub, r'(?<!\[)`([\w.]+(?:\(\))?)`(?!\])', partial(self.link, nb, shown)), md)

def relative(page, nb): return os.path.relpath(page, nb.parent)

def outside_code(f, md):
    "`f` applied to the lines of `md` that are neither code, heading nor HTML"
    fence,res = '',[]
    for o in md.splitlines():
        tick = re.match(r'\s*(`{3,})', o)
        if tick and not fence: fence = tick[1]
        elif tick and o.strip()==fence: fence = ''
        res.append(o if fence or tick or re.match(r'    |#|<', o) else f(o))
    return '\n'.join(res) + '\n'

# --- from notebook to markdown

class Filter(FilterDefaults):
    "nbdev's processing; it runs no cell, and links to no site of another library"
    def base_procs(self): return [o for o in super().base_procs() if o not in (add_links, exec_show_docs)]

def processed(nb):
    "Notebook `nb` as nbdev prepares it for its docs, the output of `show_doc` coming from the package"
    res = read_nb(cfg.nbs_path/nb)
    mod = next((c.directives['default_exp'] for c in res.cells if 'default_exp' in c.directives), None)
    res.cells = list(chain.from_iterable(map(apart, res.cells)))
    Filter()(res)
    res.cells = list(in_order(res.cells, definitions(nb)))
    if mod: show_docs(res, vars(import_module(f'{cfg.lib_name}.{mod}')))
    return res

def apart(cell):
    "A title cell in two: title and subtitle, which is all that nbdev keeps of it, and the text below"
    m = re.match(r'# .+\s*(^>.*\s*)*', cell.source, re.M) if cell.cell_type=='markdown' else None
    if not m or m.end()==len(cell.source): return [cell]
    rest = mk_cell(cell.source[m.end():], 'markdown')
    cell.source = m[0].rstrip()
    return [cell, rest]

def shown_name(cell):
    "What `cell` shows the docs of, if it does"
    m = re.search(r'^show_doc\(([\w.]+)', cell.source, re.M) if cell.cell_type=='code' else None
    return m and m[1]

def in_order(cells, names):
    "`cells`, the `show_doc` cells that nbdev adds put back into the order of `names`, the definitions"
    place = {k: i for i,k in enumerate(names)}
    for added,run in groupby(cells, lambda c: getattr(c, 'has_sd', False)):
        yield from sorted(run, key=lambda c: place.get(shown_name(c), len(place)) if added else 0)

def show_docs(nb, names):
    "Give each `show_doc` cell of `nb` its output"
    for c in nb.cells:
        if not shown_name(c): continue
        md = eval(''.join(c._partition()[1]), {**names, 'show_doc': show_doc})._repr_markdown_()
        c.outputs = [AttrDict(output_type='display_data', data={'text/markdown': md})]

def text(o): return ''.join(o)
def fence(s, info=''): return f'````{info}\n{s.rstrip()}\n````' if '```' in s else f'```{info}\n{s.rstrip()}\n```'
def output_fence(s): return fence(re.sub(r'\x1b\[[\d;]*m', '', s), ' {.text .output}')
def indented(s): return textwrap.indent(s.rstrip(), '    ')

class Page:
    "What a page of the site makes of the parts of a notebook"
    plain = staticmethod(output_fence)
    def __init__(self, sources): self.sources = sources

    def rich(self, data):
        if 'text/markdown' in data: return re.sub(r'^---\n\n', '', text(data['text/markdown']))
        if 'text/html' in data: return f'<div class="output-html">\n{text(data["text/html"])}\n</div>'
        if 'image/png' in data: return f'<img alt="output" src="data:image/png;base64,{text(data["image/png"]).strip()}"/>'
        if 'image/svg+xml' in data: return text(data['image/svg+xml'])
        return self.plain(text(data.get('text/plain', '')))

    def output(self, o):
        if o.output_type=='stream': return self.plain(text(o.text))
        if o.output_type=='error': return self.plain(f'{o.ename}: {o.evalue}')
        return self.rich(o.data)

    def source(self, c):
        "The definition under its signature, folded"
        src = self.sources.get(shown_name(c))
        return '??? source "Source"\n\n' + textwrap.indent(fence(src, 'python'), '    ') if src else ''

    def code(self, c):
        "Markdown parts of a code cell, as its directives ask"
        d,src = c.directives,''.join(c._partition()[1]).strip()
        if d.get('include')=='false': return
        if d.get('echo')!='false' and src: yield fence(src, 'python')
        if d.get('output')!='false': yield from (self.output(o) for o in c.get('outputs', []))
        yield self.source(c)

    def heading(self, c):
        fm = yaml.safe_load(c.source.strip().strip('-'))
        yield f"# {fm['title']}"
        if 'description' in fm: yield f"*{fm['description']}*"

    def parts(self, nb):
        for c in nb.cells:
            if c.cell_type=='raw' and c.source.strip().startswith('---'): yield from self.heading(c)
            elif c.cell_type=='markdown' and not c.source.startswith('<!-- WARNING'): yield c.source
            elif c.cell_type=='code': yield from self.code(c)

    def markdown(self, nb): return '\n\n'.join(o.strip('\n') for o in self.parts(nb) if o.strip()) + '\n'

class Readme(Page):
    "README.md has no folds, and no HTML where there is plain text"
    plain = staticmethod(indented)
    def rich(self, data): return super().rich({k: v for k,v in data.items() if k!='text/html' or 'text/plain' not in data})
    def source(self, c): return ''

# --- the two products

def notebook_links(md, target):
    "`md` with each link to a notebook replaced by what `target(path, anchor)` gives"
    return re.sub(r'\]\(((?!https?:)[\w./-]+\.ipynb)(#[^)\s]*)?\)', lambda m: f']({target(m[1], m[2] or "")})', md)

def write_readme():
    "README.md, its links leading to the notebooks in the checkout"
    md = notebook_links(Readme({}).markdown(processed(Path(cfg.readme_nb))), lambda p,a: os.path.normpath(cfg.nbs_path.name/Path(p))+a)
    md = re.sub(r'\]\(\.\./(?!\.)', '](', md)
    (cfg.config_path/'README.md').write_text(md, encoding='utf-8')

def page_of(nb, links):
    "The page of `nb`, its links to names aside"
    md = Page(links.sources.get(nb, {})).markdown(processed(nb))
    if nb==Path(cfg.readme_nb): md = f'---\nhide: [navigation]\n---\n{md}'
    md = re.sub(r'^### ([\w.]+)$', lambda m: '### ' + m[1].replace('_', r'\_'), md, flags=re.M)  # `__init__` is a name, not bold
    md = notebook_links(md, lambda p,a: str(address(Path(p)))+a)
    return re.sub(r'\[([^\]]+)\]\((?:\.\./)+[\w./-]+\)', lambda m: m[1] if is_outside(nb, m[0]) else m[0], md)

def is_outside(nb, link):
    "Does `link`, on the page of `nb`, lead to a file of the checkout that is no page?"
    return os.path.normpath(nb.parent/link.partition('](')[2].rstrip(')')).startswith('..')

def slug(s, sep): return re.sub(r'[^\w. -]', '', html.unescape(s).lower()).replace(' ', sep)

def write_sources(folder):
    "The pages as markdown in `folder`, with the files they show"
    nbs = [Path(cfg.readme_nb), *(p for o in ('tutorials', 'how_to', 'explanations') for p in notebooks(o)), *chapters()]
    links = Links()
    mds = {nb: page_of(nb, links) for nb in nbs}
    shown = {f'{nb}#{m}'.lower() for nb,md in mds.items() for m in re.findall(r'^### ([\w.\\]+)$', md.replace('\\_', '_'), re.M)}
    for nb,md in mds.items():
        dest = folder/address(nb)
        dest.parent.mkdir(parents=True, exist_ok=True)
        dest.write_text(links.apply(nb, md, shown), encoding='utf-8')
    for o in cfg.nbs_path.rglob('*'):
        rel = o.relative_to(cfg.nbs_path)
        if o.suffix in assets and rel.parts[0]!='tests': shutil.copy(o, folder/rel)

def write_site(out):
    "The docs site in folder `out`; a dead link or anchor is an error"
    with tempfile.TemporaryDirectory() as tmp:
        write_sources(Path(tmp))
        mk = load_config(str(cfg.config_path/'tools/mkdocs.yml'), site_name=cfg.title, site_description=cfg.description,
            site_author=cfg.author, docs_dir=tmp, site_dir=str(Path(out).resolve()), nav=navigation(), strict=True)
        mk.mdx_configs['toc']['slugify'] = slug  # anchors such as `kernel.html#kernel.execute`
        logging.basicConfig(level=logging.WARNING, format='%(message)s')
        build(mk)

@call_parse(pos=['what'])
def main(
    what:str='all', # `readme`, `site` or `all`
    out:str='', # Folder of the site; `_docs` when empty
):
    "Write README.md and the docs site"
    if what not in ('all', 'readme', 'site'): sys.exit(f'readme, site or all, not {what!r}')
    if what!='site': write_readme()
    if what!='readme': write_site(out or cfg.doc_path)
