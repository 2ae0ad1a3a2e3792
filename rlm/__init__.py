"Recursive language models: questions over contexts of any size, answered in a Jupyter kernel"
__version__ = "0.1.0"

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# Names are imported when first used: the kernel imports `rlm.launch` without the rest, and `import rlm` costs nothing.
_homes = dict(
    again=['forking', 'rerun', 'resuming'],
    answers=['answer_key', 'answer_keys', 'judged'],
    budget=['Budget'],
    confidence=['confidence_suffix', 'read_confidence', 'strip_confidence'],
    context=['StoredContext'],
    errors=['BudgetError', 'ContextError', 'FilteredError', 'InputError', 'KernelDiedError', 'KernelError', 'KernelStartError', 'MissingKeyError', 'ModelError',
        'ModelNameError', 'NoToolsError', 'OverloadedError', 'PaymentError', 'RLMError', 'RecordError', 'RejectedError', 'SelectionError', 'UnreachableError',
        'WindowError'],
    engine=['RLM', 'Completion', 'completion'],
    fallback=['FallbackModel'],
    kernel=['Kernel'],
    local_server=['LocalServer', 'Streamed'],
    model=['LiteLLMModel', 'Model', 'Reply', 'ScriptedModel'],
    offline=['OfflineModel'],
    openai_model=['OpenAIModel'],
    prompt=['system_prompt'],
    record=['Event'],
    replay=['RecordedModel'],
    runs=['list_runs', 'prune_runs'],
    selection=['Rule', 'Selection', 'Standing', 'decided', 'rules', 'select'],
    session=['Session'],
    shell=['Shell'],
    signals=['Signals', 'confidences', 'read_signals', 'trace_length', 'vc'],
    srlm=['SRLM', 'Candidates'],
    streaming=['Token'],
    tools=['Tools'],
    trajectory=['Candidate', 'Cell', 'StopReason', 'SubCall', 'Trajectory', 'Turn', 'Usage'],
    walls=['Walls'],
    watch=['ConsoleView'],
)
_home_of = {name: module for module,names in _homes.items() for name in names}
__all__ = sorted(_home_of)

if _TYPE_CHECKING:
    from .again import forking, rerun, resuming
    from .answers import answer_key, answer_keys, judged
    from .budget import Budget
    from .confidence import confidence_suffix, read_confidence, strip_confidence
    from .context import StoredContext
    from .engine import RLM, Completion, completion
    from .errors import (BudgetError, ContextError, FilteredError, InputError, KernelDiedError, KernelError, KernelStartError, MissingKeyError, ModelError,
        ModelNameError, NoToolsError, OverloadedError, PaymentError, RecordError, RejectedError, RLMError, SelectionError, UnreachableError,
        WindowError)
    from .fallback import FallbackModel
    from .kernel import Kernel
    from .local_server import LocalServer, Streamed
    from .model import LiteLLMModel, Model, Reply, ScriptedModel
    from .offline import OfflineModel
    from .openai_model import OpenAIModel
    from .prompt import system_prompt
    from .record import Event
    from .replay import RecordedModel
    from .runs import list_runs, prune_runs
    from .selection import Rule, Selection, Standing, decided, rules, select
    from .session import Session
    from .shell import Shell
    from .signals import Signals, confidences, read_signals, trace_length, vc
    from .srlm import SRLM, Candidates
    from .streaming import Token
    from .tools import Tools
    from .trajectory import Candidate, Cell, StopReason, SubCall, Trajectory, Turn, Usage
    from .walls import Walls
    from .watch import ConsoleView


def __getattr__(name: str) -> _Any:
    if name not in _home_of: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(_import_module(f'.{_home_of[name]}', __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]: return sorted({*globals(), *__all__})
