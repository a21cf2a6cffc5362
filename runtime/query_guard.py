"""What a read-only query may say: the part of the protection that ClickHouse's `readonly` does not give.

With `readonly=1` the engine refuses writes, DDL and changes of settings. Measured on chDB 26.9, it still lets a query
write a file (`INTO OUTFILE`), read any file of the machine (the function `file`), and run several statements. The
text is therefore checked first, and then the functions that the engine's own parser finds in it: the parser undoes
escapes and comments, so a name can't hide.
"""

from __future__ import annotations

import re

from runtime.ledger_database import QueryRefusedError

_READS = ("select", "with", "show", "describe", "desc", "explain", "exists")
_FIRST_WORD = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*\(*\s*([a-z]+)", re.IGNORECASE | re.DOTALL
)
_CALL = re.compile(r"^\s*Function (\S+)", re.MULTILINE)
_REACHES_OUT = frozenset(
    (
        "file",
        "filecluster",
        "filesystem",
        "eval",
        "executable",
        "python",
        "input",
        "fuzzquery",
        "fuzzjson",
        "sleep",
        "sleepeachrow",
        "catboostevaluate",
        "viewexplain",
        "cluster",
        "clusterallreplicas",
        "gcs",
        "gcscluster",
        "oss",
        "ossfs",
        "cosn",
        "hive",
        "ytsaurus",
        "redis",
        "mongodb",
        "odbc",
        "jdbc",
        "sqlite",
    )
)
_REACHES_OUT_PREFIXES = (
    "ai",
    "url",
    "remote",
    "s3",
    "hdfs",
    "iceberg",
    "deltalake",
    "paimon",
    "hudi",
    "mysql",
    "postgresql",
    "azureblob",
    "arrowflight",
)
_URL_FUNCTIONS = frozenset(("urlhash", "urlhierarchy", "urlpathhierarchy"))


def check_text(sql: str) -> str:
    """Return the query without its closing semicolon, or raise QueryRefusedError.

    Examples:
        >>> check_text("SELECT 1;")
        'SELECT 1'
        >>> check_text("DROP TABLE availability")
        Traceback (most recent call last):
        runtime.ledger_database.QueryRefusedError: the ledger is read-only here: DROP is not a query
    """
    query = sql.strip().removesuffix(";").rstrip()
    first = _FIRST_WORD.match(query)
    word = first.group(1).lower() if first else ""
    if word not in _READS:
        shown = word.upper() or "an empty text"
        raise QueryRefusedError(
            "not_a_query",
            f"the ledger is read-only here: {shown} is not a query",
            "Send one SELECT statement.",
        )
    if ";" in query:
        raise QueryRefusedError(
            "several_statements",
            "a semicolon inside the query would start another statement",
            "Send one statement at a time; write char(59) for a semicolon inside a text.",
        )
    if "outfile" in query.lower():
        raise QueryRefusedError(
            "writes_a_file",
            "INTO OUTFILE would write on the server's disk",
            "Save the answer on your side.",
        )
    return query


def check_functions(syntax_tree: str) -> None:
    """Raise QueryRefusedError when the engine's `EXPLAIN AST` of a query shows a call that reaches outside."""
    for name in _CALL.findall(syntax_tree):
        lowered = name.lower()
        outside = lowered in _REACHES_OUT or lowered.startswith(_REACHES_OUT_PREFIXES)
        if outside and lowered not in _URL_FUNCTIONS:
            raise QueryRefusedError(
                "reaches_outside",
                f"the function {name} reaches outside the ledger",
                "Query the ledger's tables and views only; SHOW TABLES lists them.",
            )
