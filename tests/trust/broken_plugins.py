"""Plugins that are broken, each in a way of its own, and what is to be said of them.

The code stands in the module of the record, before or in place of the record. Where nothing is wrong with the record
but what its import does to others, there is nothing to say, or a warning.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

MODULE = "from pytorch_lightning import LightningModule\n\n\nclass Net(LightningModule):\n    pass\n"
DATA = "from pytorch_lightning import LightningDataModule\n\n\nclass Data(LightningDataModule):\n    pass\n"
NOTHING = ""
RAISING_MAPPING = """
from collections.abc import Mapping

class Verbs(Mapping):
    def __getitem__(self, key): raise RuntimeError("not now")
    def __iter__(self): raise RuntimeError("not now")
    def __len__(self): return 1
"""


class Broken(NamedTuple):
    """A way to be broken.

    Attributes:
        said: what `suite doctor` says of it, a part of the cause or the warning; NOTHING: the plugin works.
        code: lines of the record's module before the record.
        fields: fields of the record as they are written, in place of the right ones.
        files: files of the package in place of the right ones.
        name: of plugin and entry point, where it is not that of the kind.
        value: of the entry point, where it is not the right one.
        metadata: more lines of the distribution's metadata.
    """

    said: str
    code: str = ""
    fields: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    name: str = ""
    value: str = ""
    metadata: str = ""


KINDS = {
    # The import of the record ends, or does not
    "missing_import": Broken("No module named 'nowhere_to_be_found'", "import nowhere_to_be_found"),
    "syntax_error": Broken("SyntaxError", "def broken(:"),
    "raises": Broken("RuntimeError: not today", "raise RuntimeError('not today')"),
    "raises_unreadable": Broken(
        "Mute: (its text cannot be read: ValueError)",
        "class Mute(Exception):\n    def __str__(self): raise ValueError('mute')\nraise Mute",
    ),
    "system_exit": Broken("SystemExit(7)", "raise SystemExit(7)"),
    "keyboard_interrupt": Broken("KeyboardInterrupt", "raise KeyboardInterrupt"),
    "os_exit": Broken("ended the process with status 5", "import os\nos._exit(5)"),
    "segfault": Broken("ended the process by SIGSEGV", "import ctypes\nctypes.string_at(0)"),
    "abort": Broken("ended the process by SIGABRT", "import os\nos.abort()"),
    "killed": Broken("ended the process by SIGKILL", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    "exits_in_del": Broken(
        "ended the process with status 3",
        "import os\nclass Last:\n    def __del__(self): os._exit(3)\nLast()",
    ),
    "sleeps": Broken("had not ended after", "import time\ntime.sleep(600)"),
    "swallows_interruptions": Broken(
        "had to be killed",
        "import time\nwhile True:\n    try: time.sleep(600)\n    except BaseException: pass",
    ),
    "ignores_alarms": Broken(
        "had to be killed", "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(600)"
    ),
    "hangs_in_c": Broken(
        "had to be killed",
        "import ctypes\nlock = ctypes.create_string_buffer(64)\nfor _ in range(2): "
        "ctypes.PyDLL(None).pthread_mutex_lock(lock)",
    ),
    # It changes what all share
    "prints_without_end": Broken(NOTHING, "print('x' * 1_000_000)"),
    "starts_thread": Broken(NOTHING, "import threading, time\nthreading.Thread(target=time.sleep, args=[600]).start()"),
    "forks": Broken(NOTHING, "import os, time\nif os.fork() == 0: time.sleep(600)"),
    "closes_stdout": Broken(NOTHING, "import os, sys\nsys.stdout.close()\nos.close(1)"),
    "replaces_print": Broken(NOTHING, "import builtins\nbuiltins.print = None"),
    "exits_at_exit": Broken(NOTHING, "import atexit, os\natexit.register(os._exit, 77)"),
    "recursion_limit": Broken("RecursionError", "import sys\nsys.setrecursionlimit(3)"),
    "empties_path": Broken("sys.path", "import sys\nsys.path.clear()"),
    "changes_folder": Broken("the current folder", "import os\nos.chdir('/')"),
    "empties_environment": Broken("PATH", "import os\nos.environ.clear()"),
    # The record is not as it should be
    "lazy_attribute": Broken(
        "RuntimeError: no plugin today",
        files={"__init__.py": "def __getattr__(name): raise RuntimeError(f'no {name} today')\n"},
    ),
    "no_record": Broken("has no attribute 'plugin'", files={"__init__.py": "PLUGIN = 1\n"}),
    "wrong_type": Broken("is of type dict", files={"__init__.py": "plugin = {}\n"}),
    "no_attribute_in_entry": Broken("expected 'module:attribute'", value="broken_no_attribute_in_entry"),
    "no_package": Broken("there is no module 'nowhere_to_be_found'", value="nowhere_to_be_found:plugin"),
    "newer_api": Broken("api 99", fields={"api": "99"}),
    "newer_field": Broken("unexpected keyword argument 'licence'", fields={"licence": "'MIT'"}),
    "huge_summary": Broken("characters long", fields={"summary": "'x' * 50_000_000"}),
    "huge_commands": Broken(
        "commands has 300000 verbs",
        fields={"commands": "{f'verb{i}': 'broken_huge_commands.data:Data' for i in range(300_000)}"},
    ),
    "commands_raise": Broken("expected paths of functions by name", RAISING_MAPPING, {"commands": "Verbs()"}),
    "command_of_number": Broken("has the verb 3", fields={"commands": "{3: 'broken_command_of_number.data:Data'}"}),
    "paper_of_number": Broken("paper=1999 in its record", fields={"paper": "1999"}),
    "escapes_in_summary": Broken("control character", fields={"summary": r"'\x1b[31m red'"}),
    "named_as_verb": Broken("its name is 'list'", name="list"),
    "named_with_colon": Broken("its name is 'name:colon'", name="name:colon"),
    "named_as_file": Broken("its name is 'x.py'", name="x.py"),
    "another_name": Broken("named 'other'", fields={"name": "'other'"}),
    # What it names is not there, or something else
    "no_class": Broken("defines no 'Nett'", fields={"module": "'broken_no_class.module:Nett'"}),
    "no_module": Broken("no module 'broken_no_module.gone'", fields={"data": "'broken_no_module.gone:Data'"}),
    "wrong_base": Broken("expected a subclass of", files={"module.py": "class Net:\n    pass\n"}),
    "class_segfaults": Broken("by SIGSEGV", files={"module.py": f"import ctypes\nctypes.string_at(0)\n{MODULE}"}),
    "missing_extra": Broken(
        "not installed: nowhere-to-be-found",
        fields={"extra": "'heavy'"},
        metadata="Provides-Extra: heavy\nRequires-Dist: nowhere-to-be-found>=2; extra == 'heavy'\n",
    ),
    "bad_recipe": Broken("recipe 'default' does not parse", files={"recipes/default.yaml": "model: [1, 2\n"}),
    "no_recipes": Broken("no package 'nowhere_to_be_found'", fields={"recipes": "'nowhere_to_be_found:recipes'"}),
}
"""Every way by its name, which is that of the plugin where ``name`` is empty."""


FAILING = {
    "record_is_cheap_to_import": Broken("torch", "import torch"),
    "record_is_complete": Broken("a summary of one line", fields={"summary": "'Long ' * 30"}),
    "recipes_parse": Broken(
        "default.yaml", files={"recipes/default.yaml": "summary: A small one\nmodel: {depth: 3}\n"}
    ),
    "recipes_state_what_they_expect": Broken("a summary", files={"recipes/default.yaml": "seed: 1\n"}),
    "options_are_typed": Broken(
        "size has none", files={"module.py": MODULE.replace("pass", "def __init__(self, size=3): super().__init__()")}
    ),
    "options_are_documented": Broken(
        "--model.size has none",
        files={"module.py": MODULE.replace("pass", "def __init__(self, size: int = 3): super().__init__()")},
    ),
    "commands_have_help": Broken(
        "a docstring",
        fields={"commands": "{'speak': 'failing_commands_have_help.studies:speak'}"},
        files={"studies.py": "def speak(run: str) -> None: ...\n"},
    ),
    "commands_are_reachable": Broken(
        "a verb called 'fit'",
        fields={"commands": "{'fit': 'failing_commands_are_reachable.studies:speak'}"},
        files={"studies.py": "def speak(run: str) -> None: ...\n"},
    ),
}
"""Plugins that can be used and do not keep the contract, by the check that fails and a part of what it says."""


def name_of(kind: str) -> str:
    """Return the name of the plugin that is broken in a way."""
    return KINDS[kind].name or kind


def install(kind: str, folder: Path) -> None:
    """Write a distribution with a broken plugin as pip would leave it."""
    broken = KINDS[kind]
    write(folder, f"broken_{kind}", name_of(kind), broken)


def write(folder: Path, package: str, name: str, way: Broken) -> None:
    """Write a distribution with a plugin that is right but for what differs."""
    fields = {
        "name": repr(name),
        "summary": repr(f"The plugin {package}"),
        "module": repr(f"{package}.module:Net"),
        "data": repr(f"{package}.data:Data"),
        "recipes": repr(f"{package}:recipes"),
        **way.fields,
    }
    record = ", ".join(f"{field}={value}" for field, value in fields.items())
    files = {
        "__init__.py": f"from lightning_suite.plugin import Plugin\n{way.code}\nplugin = Plugin({record})\n",
        "module.py": MODULE,
        "data.py": DATA,
        "recipes/default.yaml": "summary: A small one\n",
        **way.files,
    }
    for path, text in files.items():
        file = folder / package / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    info = folder / f"{package}-2.0.dist-info"
    info.mkdir()
    distribution = package.replace("_", "-")
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {distribution}\nVersion: 2.0\n{way.metadata}\n")
    entry = f"[lightning_suite.plugins]\n{name} = {way.value or f'{package}:plugin'}\n"
    (info / "entry_points.txt").write_text(entry)
