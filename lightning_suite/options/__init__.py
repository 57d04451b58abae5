"""The options of a plugin: read from the signatures of its classes, given as dotted flags or YAML.

What is typed wins over ``--config``, which wins over the recipe, which wins over the defaults in the signature.

    settings.py   the resolved values of one run
    stored.py     settings that config.yaml and checkpoints hold: checked, and held to what they may import
    config.py     files of options, and nested options under dotted names
    given.py      options of a call in Python
    defaults.py   defaults that no file can hold
    loggers.py    loggers by short names, in the run folder
    paths.py      paths among the options, absolute, so that a run means the same files in any folder
    renaming.py   old names of options, for one release
    parser.py     options to settings, settings to the plugin's classes
    commands.py   a plugin's own verb: a function whose parameters are its options
    short_help.py the text of --help, read from source
    help.py       the text of --help=GROUP and --help=OPTION, with types
    effective.py  the values that a command would use, for the help
    mistakes.py   the message about an option that does not exist, or about a value of another type
    types.py      types, described for users of the command line
"""

from lightning_suite.options.commands import call as call
from lightning_suite.options.config import GROUPS as GROUPS
from lightning_suite.options.config import PEOPLE_ONLY as PEOPLE_ONLY
from lightning_suite.options.config import config_files as config_files
from lightning_suite.options.config import flat as flat
from lightning_suite.options.config import read_config as read_config
from lightning_suite.options.effective import effective_options as effective_options
from lightning_suite.options.given import given_options as given_options
from lightning_suite.options.help import help_text as help_text
from lightning_suite.options.parser import Built as Built
from lightning_suite.options.parser import build as build
from lightning_suite.options.parser import build_model as build_model
from lightning_suite.options.parser import parse as parse
from lightning_suite.options.parser import parser_of as parser_of
from lightning_suite.options.paths import absolute as absolute
from lightning_suite.options.paths import path_options as path_options
from lightning_suite.options.renaming import renamed_of_verb as renamed_of_verb
from lightning_suite.options.settings import Settings as Settings
from lightning_suite.options.settings import for_evaluation as for_evaluation
from lightning_suite.options.short_help import option_help as option_help
from lightning_suite.options.short_help import short_help as short_help
from lightning_suite.options.stored import changed_settings as changed_settings
from lightning_suite.options.stored import checkpoint_settings as checkpoint_settings
from lightning_suite.options.stored import configs_limited as configs_limited
from lightning_suite.options.stored import evaluation_settings as evaluation_settings
from lightning_suite.options.stored import is_own_config as is_own_config
from lightning_suite.options.stored import settings_of as settings_of
from lightning_suite.options.stored import stored_settings as stored_settings
