"""Edit notebooks as text.

    python tools/nb.py open 00_trajectory         # nbs/00_trajectory.ipynb -> .nb/00_trajectory.py, or the skeleton of a new one
    python tools/nb.py save 00_trajectory         # back, keeping ids; export, run, store the outputs, clean, print the outputs
    python tools/nb.py save 09_engine --flags slow  # run the cells marked slow as well

A name is a path below `nbs`, with or without `.ipynb`: `tutorials/1_rlm_from_scratch` works. `save` exports and runs that
notebook only, so a half-done neighbour is in nobody's way."""
import os, subprocess, sys
from pathlib import Path
from fastcore.nbio import read_nb, render_text, write_nb
from fastcore.script import call_parse
from jupytext.cli import jupytext

root = Path(__file__).resolve().parent.parent
bin_dir = Path(sys.executable).parent
kernel = {'kernelspec': {'name': 'python3', 'display_name': 'python3', 'language': 'python'}}

module = '''# %%
#| default_exp {name}

# %% [markdown]
# # Title
#
# > What it is for

# %%
#| export
from pathlib import Path

# %%
#| hide
from fastcore.test import expect_fail, test_eq
from nbdev.showdoc import show_doc

# %%
#| hide
import nbdev; nbdev.nbdev_export()
'''

page = '''# %% [markdown]
# # Title
#
# > What the reader can do afterwards

# %%
#| hide
from fastcore.test import expect_fail, test_eq
'''

def run(command, *args):
    "Exit status of nbdev's `command`"
    env = os.environ | {'PATH': os.pathsep.join([str(bin_dir), os.environ.get('PATH', '')])}
    return subprocess.run([bin_dir/command, *args], cwd=root, env=env).returncode

def open_text(nb, py):
    "Write notebook `nb` as percent text `py`; a skeleton when there is no such notebook"
    py.parent.mkdir(parents=True, exist_ok=True)
    if nb.exists(): jupytext(['-q', '--to', 'py:percent', '--opt', 'notebook_metadata_filter=-all', '-o', str(py), str(nb)])
    elif nb.parent.name=='nbs': py.write_text(module.format(name=nb.stem.partition('_')[2]))
    else: py.write_text(page)
    print(py.relative_to(root))

def save_text(nb, py, flags):
    "Put percent text `py` into notebook `nb`, export it, run it and keep its outputs; the exit status"
    update = ['--update'] if nb.exists() else []
    nb.parent.mkdir(parents=True, exist_ok=True)
    jupytext(['-q', '--to', 'ipynb', *update, '-o', str(nb), str(py)])
    write_nb(read_nb(nb) | {'metadata': kernel}, nb)
    status = run('nbdev-export', '--path', nb) or run('nbdev-test', '--save', '--flags', flags, nb)
    run('nbdev-clean', '--fname', nb)
    return status

def show_outputs(nb):
    "Print each cell of `nb` that has outputs, with them"
    for c in read_nb(nb).cells:
        if c.get('outputs'): print(f'--- {c.id}\n{c.source}\n==>\n{render_text(c.outputs)}\n')

@call_parse
def main(
    act:str, # `open` or `save`
    name:str, # Notebook below `nbs`, such as `04_kernel` or `tutorials/2_first_question`
    flags:str='', # Space separated flags of cells to run as well, such as `slow`
):
    "Turn a notebook into text, or the text back into the notebook"
    name = name.removeprefix('nbs/').removesuffix('.ipynb')
    nb,py = root/f'nbs/{name}.ipynb',root/f'.nb/{name}.py'
    os.chdir(root)
    if act=='open': return open_text(nb, py)
    if act!='save': sys.exit(f'open or save, not {act!r}')
    if not py.exists(): sys.exit(f'{py.relative_to(root)} is not there: open {name} first')
    status = save_text(nb, py, flags)
    if not status: show_outputs(nb)
    sys.exit(status)
