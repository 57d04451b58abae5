"""Text as people have it: compressed or not, in any encoding, as lines, as a table or as JSON lines.

=====================  ===============================================================================================
compression            .gz, .bz2, .xz and .zst, told by how the content begins, whatever the file is called
encoding               UTF-8, UTF-16 and UTF-32, with or without a byte-order mark; any other where it is named
line ends              ``\\n``, ``\\r\\n`` and ``\\r``; no other character ends a line, U+2028 neither
=====================  ===============================================================================================

Anything else is a ``DataError`` with file, line and, where it is about bytes, the offset in the decompressed file,
counted from 0 with the byte-order mark. An empty file is an error too. Every function takes the ``content`` of the file
where it is at hand, as of a member of an archive; the path is then no more than its name in messages.
"""

from lightning_suite.text_files.compression import COMPRESSIONS as COMPRESSIONS
from lightning_suite.text_files.compression import bare_name as bare_name
from lightning_suite.text_files.compression import bomb as bomb
from lightning_suite.text_files.compression import most_bytes as most_bytes
from lightning_suite.text_files.compression import open_bytes as open_bytes
from lightning_suite.text_files.compression import read_bytes as read_bytes
from lightning_suite.text_files.compression import suffix_of as suffix_of
from lightning_suite.text_files.compression import within_memory as within_memory
from lightning_suite.text_files.encodings import encoding_name as encoding_name
from lightning_suite.text_files.jsonl import read_jsonl as read_jsonl
from lightning_suite.text_files.lines import is_blank as is_blank
from lightning_suite.text_files.lines import numbered_lines as numbered_lines
from lightning_suite.text_files.lines import read_text as read_text
from lightning_suite.text_files.tables import Table as Table
from lightning_suite.text_files.tables import column_of as column_of
from lightning_suite.text_files.tables import find_name as find_name
from lightning_suite.text_files.tables import read_table as read_table
